import { baseLayers, baseStyle, CENTRE_BOUNDS, CITY_BOUNDS } from "./base-style.ts";
import { DriverMotion } from "./driver-motion.ts";
import type { FeatureCollection } from "./geojson.ts";
import { type GlMap, type GlPointerEvent, type GlStyle, MAPBOX_TOKEN, openMap, STYLE_URL } from "./gl-library.ts";
import { putIcons } from "./map-icons.ts";
import { type MapTheme, readPalette } from "./map-palette.ts";
import type { LngLat, LngLatBounds, MapDriver, MapFocus, MapPoint, MapSelection, MapViewport } from "./map-types.ts";
import { driverData } from "./overlay-data.ts";
import { CLICKABLE, OVERLAY_SOURCES, type OverlaySource, overlayLayers, selectionFilters } from "./overlay-layers.ts";
import type { ShapeHand } from "./shape-hand.ts";

/** Positions come once a second; each is spread over that. */
const GLIDE_MS = 1000;
/** Redrawing a source costs a trip to the worker: 25 a second is smooth, 60 would starve a small laptop. */
const FRAME_MS = 40;
/** Below this zoom a car moves less than a pixel between frames, so fewer do. */
const CLOSE_ZOOM = 12;
const FAR_FRAME_MS = 200;
const CAMERA_MS = 400;
/** Half the side of the box a click looks in, pixels: 24 across, the least that WCAG 2.2 asks of a target. */
const CLICK_REACH_PX = 12;
const HOVER_REACH_PX = 4;
const NARROW_PX = 640;
/** Around what the map is fitted to; a tall map has its legend at the bottom. */
const MARGIN_PX = 48;
const TALL_PX = 480;
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

export type MapViewListener = {
  onSelect(selection: MapSelection | null): void;
  onViewport(viewport: MapViewport): void;
};

/** A cluster that is opened comes this much nearer: its cell becomes sixteen. */
const CLUSTER_ZOOM = 2;

/** A map on the page: owns the library's map, its layers and its animation. `close()` gives all of it back. */
export class MapView {
  readonly #map: GlMap;
  readonly #fonts: readonly string[];
  readonly #listener: MapViewListener;
  readonly #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  readonly #themeWatch = new MutationObserver(() => this.#followTheme());
  /** Over the canvas, for what the page itself puts there; the map still moves under the pointer. */
  readonly overlay = document.createElement("div");
  /** Watched, since to ask the page for it makes the browser lay everything out at once. */
  #size = { width: 0, height: 0 };
  readonly #moveListeners = new Set<() => void>();
  readonly #sizeWatch = new ResizeObserver(([entry]) => {
    if (!entry) return;
    this.#size = { width: entry.contentRect.width, height: entry.contentRect.height };
    this.#tellMove();
  });
  readonly #data = new Map<OverlaySource, FeatureCollection>();
  #motion = new DriverMotion(GLIDE_MS);
  #drivers: readonly MapDriver[] = [];
  #selected: MapSelection | null = null;
  #hand: ShapeHand | null = null;
  #theme: MapTheme = readPalette().theme;
  #frame = 0;
  #lastDrawMs = 0;
  #closed = false;

  /** Opens a map in `container`. Rejects when the browser refuses WebGL or the library does not load. */
  static async open(container: HTMLElement, label: string, listener: MapViewListener): Promise<MapView> {
    const fonts = fontFamilies(container);
    const style = styleFor(readPalette().theme, fonts);
    const bounds = container.clientWidth < NARROW_PX ? CENTRE_BOUNDS : CITY_BOUNDS;
    const map = await openMap({ container, style, bounds, label });
    return new MapView(map, fonts, listener);
  }

  private constructor(map: GlMap, fonts: readonly string[], listener: MapViewListener) {
    this.#map = map;
    this.#fonts = fonts;
    this.#listener = listener;
    this.#motion = this.#newMotion();
    this.overlay.className = "pointer-events-none absolute inset-0";
    map.getCanvasContainer().append(this.overlay);
    this.#size = { width: this.overlay.clientWidth, height: this.overlay.clientHeight };
    this.#sizeWatch.observe(this.overlay);
    map.on("style.load", () => this.#putOverlay());
    map.on("load", () => this.#tellViewport());
    map.on("move", () => this.#tellMove());
    map.on("moveend", () => this.#tellViewport());
    map.on("click", (event) => this.#click(event));
    map.on("mousemove", (event) => {
      map.getCanvas().style.cursor = this.#hand
        ? this.#hand.move(event, map)
        : this.#hit(event, HOVER_REACH_PX)
          ? "pointer"
          : "";
    });
    for (const type of ["mousedown", "touchstart"] as const) map.on(type, (event) => this.#hand?.press(event, map));
    for (const type of ["mouseup", "touchend"] as const) map.on(type, () => this.#hand?.release());
    map.on("touchmove", (event) => this.#hand?.move(event, map));
    // A tile or style that fails must not fail silently, nor take the map down.
    map.on("error", ({ error }) => console.warn("Map:", error?.message ?? "unknown error"));
    this.#themeWatch.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    this.#reducedMotion.addEventListener("change", this.#followMotion);
  }

  setDrivers(drivers: readonly MapDriver[]): void {
    this.#drivers = drivers;
    this.#motion.update(drivers, performance.now());
    this.#draw(performance.now());
    this.#animate();
  }

  setData(source: Exclude<OverlaySource, "drivers">, data: FeatureCollection): void {
    this.#put(source, data);
  }

  /** While there is one, clicks and drags are its own. */
  setHand(hand: ShapeHand | null): void {
    this.#hand = hand;
  }

  select(selected: MapSelection | null): void {
    this.#selected = selected;
    for (const [layer, filter] of Object.entries(selectionFilters(selected))) {
      if (this.#map.getLayer(layer)) this.#map.setFilter(layer, filter);
    }
  }

  focus(focus: MapFocus): void {
    if ("bounds" in focus) {
      this.fit(focus.bounds, focus.maxZoom);
      return;
    }
    const { at, zoom } = focus;
    const camera = { center: [at.lng, at.lat] as [number, number], duration: this.#cameraMs() };
    this.#map.easeTo({ ...camera, zoom: zoom ?? Math.max(this.#map.getZoom(), 14) });
  }

  fit(bounds: LngLatBounds = CITY_BOUNDS, maxZoom = 15): void {
    const isTall = this.#size.height > TALL_PX;
    const padding = { ...{ top: MARGIN_PX, left: MARGIN_PX, right: MARGIN_PX }, bottom: MARGIN_PX * (isTall ? 2 : 1) };
    this.#map.fitBounds(bounds, { padding, maxZoom, duration: this.#cameraMs() });
  }

  /** The map's, CSS pixels. */
  get size(): { readonly width: number; readonly height: number } {
    return this.#size;
  }

  get zoomLevel(): number {
    return this.#map.getZoom();
  }

  /** Pixels from the map's top left corner. */
  placeOf({ lng, lat }: MapPoint): { x: number; y: number } {
    return this.#map.project([lng, lat]);
  }

  /** Tells each time the camera moves or the map has another size. Answers what ends that. */
  onMove(listener: () => void): () => void {
    this.#moveListeners.add(listener);
    return () => void this.#moveListeners.delete(listener);
  }

  /** The keyboard goes to the map: the mark it was on is about to go. */
  openCluster({ lng, lat }: MapPoint): void {
    this.#map.getCanvas().focus({ preventScroll: true });
    this.#map.easeTo({
      ...{ center: [lng, lat], zoom: this.#map.getZoom() + CLUSTER_ZOOM },
      duration: this.#cameraMs(),
    });
  }

  zoom(direction: "in" | "out"): void {
    const options = { duration: Math.min(150, this.#cameraMs()) };
    if (direction === "in") this.#map.zoomIn(options);
    else this.#map.zoomOut(options);
  }

  /** Stops the animation, stops listening and frees the WebGL context. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#themeWatch.disconnect();
    this.#sizeWatch.disconnect();
    this.#reducedMotion.removeEventListener("change", this.#followMotion);
    this.#map.remove();
  }

  #putOverlay(): void {
    if (this.#closed) return;
    const palette = readPalette();
    putIcons(this.#map, palette);
    for (const source of OVERLAY_SOURCES) {
      if (!this.#map.getSource(source)) {
        this.#map.addSource(source, { type: "geojson", data: this.#data.get(source) ?? EMPTY });
      }
    }
    for (const layer of overlayLayers(palette, this.#overlayFonts(), this.#selected)) {
      if (!this.#map.getLayer(layer.id)) this.#map.addLayer(layer);
    }
  }

  /** Repaints in place, so that nothing flickers and no context is made anew. Mapbox's own ground is another style: load that. */
  #followTheme(): void {
    const palette = readPalette();
    if (palette.theme === this.#theme) return;
    this.#theme = palette.theme;
    if (MAPBOX_TOKEN && !STYLE_URL) {
      this.#map.setStyle(styleFor(palette.theme, this.#fonts));
      return;
    }
    putIcons(this.#map, palette);
    const ground = STYLE_URL ? [] : baseLayers(palette.ground, this.#fonts);
    for (const { id, paint } of [...ground, ...overlayLayers(palette, this.#overlayFonts(), this.#selected)]) {
      if (!this.#map.getLayer(id)) continue;
      for (const [name, value] of Object.entries(paint ?? {})) this.#map.setPaintProperty(id, name, value);
    }
  }

  readonly #followMotion = () => {
    this.#motion = this.#newMotion();
    this.setDrivers(this.#drivers);
  };

  #newMotion(): DriverMotion {
    return new DriverMotion(this.#reducedMotion.matches ? 0 : GLIDE_MS);
  }

  #animate(): void {
    if (this.#frame !== 0 || this.#closed) return;
    const step = (nowMs: number) => {
      this.#frame = 0;
      if (this.#closed) return;
      const moving = this.#motion.isMoving(nowMs);
      const gap = this.#map.getZoom() < CLOSE_ZOOM ? FAR_FRAME_MS : FRAME_MS;
      // The last frame is always drawn: it puts everyone exactly where they were reported.
      if (!moving || nowMs - this.#lastDrawMs >= gap) this.#draw(nowMs);
      if (moving) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #draw(nowMs: number): void {
    this.#lastDrawMs = nowMs;
    this.#put("drivers", driverData(this.#motion.frame(nowMs)));
  }

  #put(source: OverlaySource, data: FeatureCollection): void {
    if (this.#closed) return;
    this.#data.set(source, data);
    this.#map.getSource(source)?.setData(data);
  }

  #hit({ point: { x, y } }: GlPointerEvent, reach: number) {
    const layers = CLICKABLE.filter((layer) => this.#map.getLayer(layer));
    if (layers.length === 0) return undefined;
    const near = this.#map.queryRenderedFeatures(
      [
        [x - reach, y - reach],
        [x + reach, y + reach],
      ],
      { layers },
    );
    const rank = (layer: string) => CLICKABLE.indexOf(layer as (typeof CLICKABLE)[number]);
    const away = ({ type, coordinates }: (typeof near)[number]["geometry"]) => {
      if (type !== "Point") return 0;
      const at = this.#map.project(coordinates as LngLat);
      return Math.hypot(at.x - x, at.y - y);
    };
    // Of several side by side the one that was meant is the nearest.
    return near.toSorted((a, b) => rank(a.layer.id) - rank(b.layer.id) || away(a.geometry) - away(b.geometry))[0];
  }

  #click(event: GlPointerEvent): void {
    if (this.#hand) {
      this.#hand.click(event, this.#map);
      return;
    }
    const hit = this.#hit(event, CLICK_REACH_PX);
    if (!hit) {
      this.#listener.onSelect(null);
      return;
    }
    const kind = hit.layer.id === "drivers" ? "driver" : hit.layer.id.startsWith("trip") ? "trip" : "zone";
    this.#listener.onSelect({ kind, id: String(hit.properties.id) });
  }

  #tellMove(): void {
    for (const listener of this.#moveListeners) listener();
  }

  #tellViewport(): void {
    const bounds = this.#map.getBounds();
    if (!bounds || this.#closed) return;
    this.#listener.onViewport({
      bounds: [
        [bounds.getWest(), bounds.getSouth()],
        [bounds.getEast(), bounds.getNorth()],
      ],
      zoom: this.#map.getZoom(),
    });
  }

  #cameraMs(): number {
    return this.#reducedMotion.matches ? 0 : CAMERA_MS;
  }

  /** Mapbox fetches letters from its server, which has these; MapLibre without a server draws the page's own font. */
  #overlayFonts(): readonly string[] {
    return MAPBOX_TOKEN ? ["DIN Pro Medium", "Arial Unicode MS Regular"] : this.#fonts;
  }
}

function styleFor(theme: MapTheme, fonts: readonly string[]): GlStyle | string {
  if (STYLE_URL) return STYLE_URL;
  if (MAPBOX_TOKEN) return `mapbox://styles/mapbox/${theme === "dark" ? "dark" : "light"}-v11`;
  return baseStyle(readPalette().ground, fonts);
}

/**
 * The families the page's text is set in, best first, without quotes. Next's "… Fallback" faces stand in for a font the machine may not
 * have; asking the browser to load one fails, and the letters are then drawn in whatever comes first to hand.
 */
function fontFamilies(element: HTMLElement): string[] {
  return getComputedStyle(element)
    .fontFamily.split(",")
    .map((family) => family.trim().replace(/^["']|["']$/g, ""))
    .filter((family) => !family.endsWith(" Fallback"));
}
