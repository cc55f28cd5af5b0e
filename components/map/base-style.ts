/**
 * The ground: Greater Cairo from `public/map/cairo.geojson`, in a style that asks the network for nothing else. There is no `glyphs`
 * address on purpose: MapLibre then draws letters itself with the page's font.
 */
import type { GlLayer, GlStyle } from "./gl-library.ts";
import type { GroundPalette } from "./map-palette.ts";
import type { LngLatBounds } from "./map-types.ts";

/** The inner city, from the Pyramids to New Cairo: what an empty map shows. */
export const CITY_BOUNDS: LngLatBounds = [
  [31.16, 29.945],
  [31.44, 30.14],
];

/** The heart of it, for a narrow screen: the wider box would shrink to a smudge there. */
export const CENTRE_BOUNDS: LngLatBounds = [
  [31.19, 29.99],
  [31.34, 30.105],
];

/** Below this the service zones carry the names; from here in, the districts do. Both at once would say "Downtown" twice. */
export const PLACES_FROM_ZOOM = 12.2;

const SOURCE = "city";

/** `fonts`: CSS font family names, best first. */
export function baseStyle(ground: GroundPalette, fonts: readonly string[]): GlStyle {
  return {
    version: 8,
    sources: { [SOURCE]: { type: "geojson", data: `${location.origin}/map/cairo.geojson`, tolerance: 0.25 } },
    layers: baseLayers(ground, fonts),
  };
}

/** Every layer of the ground, bottom first. A theme change sets their paint anew; nothing else differs between themes. */
export function baseLayers(ground: GroundPalette, fonts: readonly string[]): GlLayer[] {
  return [
    { id: "land", type: "background", paint: { "background-color": ground.land } },
    area("urban", ground.urban),
    area("water", ground.water),
    area("island", ground.urban),
    area("park", ground.park),
    area("airport", ground.airport),
    { ...line("runway", ["==", ["get", "kind"], "runway"], ground.runway, [10, 1, 13, 5, 16, 30]) },
    area("landmark", ground.landmark),
    ...roads(ground),
    ...labels(ground, fonts),
  ];
}

function area(kind: string, color: string): GlLayer {
  return {
    id: kind,
    type: "fill",
    source: SOURCE,
    filter: ["==", ["get", "kind"], kind],
    paint: { "fill-color": color, "fill-antialias": true },
  };
}

/** `width`: zoom, pixels, zoom, pixels… */
function line(id: string, filter: unknown, color: string, width: readonly number[]): GlLayer {
  return {
    id,
    type: "line",
    source: SOURCE,
    filter,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": color, "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], ...width] },
  };
}

const isGroundRoad = (roadClass: string) => [
  "all",
  ["==", ["get", "kind"], "road"],
  ["==", ["get", "class"], roadClass],
  ["!", ["has", "minor"]],
  ["!", ["has", "bridge"]],
];
const IS_MINOR = ["all", ["==", ["get", "kind"], "road"], ["has", "minor"]];
const IS_BRIDGE = ["all", ["==", ["get", "kind"], "road"], ["has", "bridge"]];

const WIDTHS = {
  minor: [11, 0.4, 13, 1.2, 15, 4, 18, 18],
  secondary: [10, 0.5, 12, 1.5, 14, 4, 18, 26],
  primary: [9, 0.6, 11, 1.6, 13, 4, 15, 9, 18, 36],
  motorway: [8, 1, 11, 2.6, 13, 5.5, 15, 12, 18, 44],
} as const;

/** A casing shows as a rim of this many pixels on each side. */
const RIM_PX = 0.9;
const cased = (width: readonly number[]) => width.map((value, i) => (i % 2 === 0 ? value : value + 2 * RIM_PX));

function roads(ground: GroundPalette): GlLayer[] {
  // All casings lie under all fills, so that streets open into one another instead of being fenced off.
  const bridgeCap = { "line-cap": "butt", "line-join": "round" };
  return [
    { ...line("road-minor-casing", IS_MINOR, ground.casing, cased(WIDTHS.minor)), minzoom: 13.5 },
    {
      ...line("road-secondary-casing", isGroundRoad("secondary"), ground.casing, cased(WIDTHS.secondary)),
      minzoom: 11,
    },
    line("road-primary-casing", isGroundRoad("primary"), ground.casing, cased(WIDTHS.primary)),
    line("road-motorway-casing", isGroundRoad("motorway"), ground.motorwayCasing, cased(WIDTHS.motorway)),
    { ...line("road-minor", IS_MINOR, ground.minorRoad, WIDTHS.minor), minzoom: 10.5 },
    line("road-secondary", isGroundRoad("secondary"), ground.road, WIDTHS.secondary),
    line("road-primary", isGroundRoad("primary"), ground.mainRoad, WIDTHS.primary),
    line("road-motorway", isGroundRoad("motorway"), ground.motorway, WIDTHS.motorway),
    { ...line("bridge-casing", IS_BRIDGE, ground.motorwayCasing, cased(WIDTHS.primary)), layout: bridgeCap },
    line("bridge", IS_BRIDGE, ground.mainRoad, WIDTHS.primary),
  ];
}

function labels(ground: GroundPalette, fonts: readonly string[]): GlLayer[] {
  const halo = { "text-halo-color": ground.halo, "text-halo-width": 1.4 };
  // The weight is read from the first name; no font is called that, so the next one is drawn in it.
  const medium = [`${fonts[0] ?? "sans-serif"} Medium`, ...fonts];
  const place = (id: string, rank: number, minzoom: number, size: number[]): GlLayer => ({
    id,
    type: "symbol",
    source: SOURCE,
    minzoom,
    filter: ["all", ["==", ["get", "kind"], "place"], ["==", ["get", "rank"], rank], ["!", ["has", "of"]]],
    layout: {
      "text-field": ["get", "name"],
      "text-font": rank === 1 ? medium : fonts,
      "text-size": ["interpolate", ["linear"], ["zoom"], ...size],
      "text-max-width": 7,
      "text-padding": 6,
    },
    paint: { "text-color": ground.label, ...halo },
  });
  const nature = (id: string, of: string, color: string): GlLayer => ({
    id,
    type: "symbol",
    source: SOURCE,
    minzoom: 12,
    filter: ["==", ["get", "of"], of],
    layout: {
      "text-field": ["get", "name"],
      "text-font": [`${fonts[0] ?? "sans-serif"} Italic`, ...fonts],
      "text-size": 11,
    },
    paint: { "text-color": color, ...halo },
  });
  return [
    {
      id: "road-label",
      type: "symbol",
      source: SOURCE,
      minzoom: 12.5,
      filter: ["all", ["==", ["get", "kind"], "road"], ["!", ["has", "minor"]]],
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 420,
        "text-field": ["get", "name"],
        "text-font": fonts,
        "text-size": ["interpolate", ["linear"], ["zoom"], 12.5, 10, 16, 12],
        "text-padding": 8,
      },
      paint: { "text-color": ground.roadLabel, ...halo },
    },
    nature("park-label", "park", ground.parkLabel),
    nature("water-label", "water", ground.waterLabel),
    place("place-3", 3, 13, [13, 11, 16, 13]),
    place("place-2", 2, PLACES_FROM_ZOOM, [12, 11.5, 15, 14]),
    place("place-1", 1, PLACES_FROM_ZOOM, [12, 13, 15, 16]),
  ];
}
