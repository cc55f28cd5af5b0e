/**
 * The one door to the map libraries. MapLibre by default, Mapbox GL when a token is set; both are loaded when a map is first shown, and
 * used through the few calls that they share.
 */
import type { FeatureCollection } from "./geojson.ts";
import type { LngLat, LngLatBounds } from "./map-types.ts";

export type GlLayer = {
  id: string;
  type: "background" | "fill" | "line" | "circle" | "symbol";
  source?: string;
  filter?: unknown;
  layout?: Record<string, unknown>;
  paint?: Record<string, unknown>;
  minzoom?: number;
  maxzoom?: number;
};
export type GlStyle = { version: 8; sources: Record<string, unknown>; layers: GlLayer[] };
type GlFeature = {
  layer: { id: string };
  properties: Record<string, unknown>;
  geometry: { type: string; coordinates: unknown };
};
export type GlPointerEvent = {
  point: { x: number; y: number };
  lngLat: { lng: number; lat: number };
  /** The map then does not move with the pointer. */
  preventDefault(): void;
};
type PointerEventType = "click" | "mousedown" | "mousemove" | "mouseup" | "touchstart" | "touchmove" | "touchend";
type Box = [[number, number], [number, number]];
type Padding = { top: number; right: number; bottom: number; left: number };
type Camera = { center?: LngLat; zoom?: number; duration?: number; padding?: Padding; maxZoom?: number };

/** What we use of a map, whichever library made it. */
export type GlMap = {
  on(type: PointerEventType, listener: (event: GlPointerEvent) => void): unknown;
  on(type: "load" | "style.load" | "move" | "moveend" | "mouseout", listener: () => void): unknown;
  on(type: "error", listener: (event: { error?: Error }) => void): unknown;
  addSource(id: string, source: unknown): unknown;
  getSource(id: string): { setData(data: FeatureCollection): unknown } | undefined;
  addLayer(layer: GlLayer): unknown;
  getLayer(id: string): unknown;
  setFilter(id: string, filter: unknown): unknown;
  setPaintProperty(id: string, name: string, value: unknown): unknown;
  addImage(id: string, image: ImageData, options: { pixelRatio: number }): unknown;
  hasImage(id: string): boolean;
  updateImage(id: string, image: ImageData): unknown;
  queryRenderedFeatures(box: Box, options: { layers: string[] }): GlFeature[];
  setStyle(style: GlStyle | string): unknown;
  getCanvas(): HTMLCanvasElement;
  getCanvasContainer(): HTMLElement;
  /** Pixels from the top left corner. */
  project(at: LngLat): { x: number; y: number };
  getBounds(): { getWest(): number; getSouth(): number; getEast(): number; getNorth(): number } | null;
  getZoom(): number;
  zoomIn(options: { duration: number }): unknown;
  zoomOut(options: { duration: number }): unknown;
  easeTo(camera: Camera): unknown;
  fitBounds(bounds: LngLatBounds, camera: Camera): unknown;
  resize(): unknown;
  remove(): void;
};

type GlOptions = {
  container: HTMLElement;
  style: GlStyle | string;
  bounds: LngLatBounds;
  /** Names the canvas for screen readers. */
  label: string;
};

export const MAPBOX_TOKEN = process.env.NEXT_PUBLIC_MAPBOX_TOKEN || null;
/** A style to use in place of our own, or of Mapbox's. */
export const STYLE_URL = process.env.NEXT_PUBLIC_MAP_STYLE_URL || null;

/** Whether this browser can draw a map at all. Gives its probe context back at once: browsers allow only about 16. */
export function hasWebGl(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null;
}

/** To read a library and to open a map each take a while: between them the page answers whoever is using it. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve));

/** Loads the library and opens a map. Rejects when the library cannot be fetched or WebGL refuses. */
export async function openMap({ container, style, bounds, label }: GlOptions): Promise<GlMap> {
  const shared = {
    container,
    bounds,
    fitBoundsOptions: { padding: 24 },
    minZoom: 8,
    maxZoom: 18,
    // Dispatchers read the map north up; a stray two-finger turn would cost them their bearings.
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    locale: { "Map.Title": label },
  };
  if (MAPBOX_TOKEN) {
    const { default: mapboxgl } = await import("mapbox-gl");
    await import("mapbox-gl/dist/mapbox-gl.css");
    mapboxgl.accessToken = MAPBOX_TOKEN;
    await nextTask();
    const map = new mapboxgl.Map({ ...shared, style: style as string, projection: "mercator" });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    return map as unknown as GlMap;
  }
  const maplibregl = await import("maplibre-gl");
  await nextTask();
  // A bundler hides the library's own address from it, so it cannot find its worker unaided.
  maplibregl.setWorkerUrl(new URL("maplibre-gl/dist/maplibre-gl-worker.mjs", import.meta.url).href);
  const map = new maplibregl.Map({
    ...shared,
    style: style as never,
    // Nothing to credit on a map we drew; a style from elsewhere brings its own credits.
    attributionControl: STYLE_URL ? { compact: true } : false,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  return map as unknown as GlMap;
}
