/**
 * The map's colours. State hues are the console's own (`app/tokens.css`), so a green driver here is the green pill in the list; the
 * ground is designed twice, for light and for dark, in cool greys that leave the hues alone on stage.
 */
import type { MapDriverState, MapTripStatus } from "./map-types.ts";

export type MapTheme = "light" | "dark";

/** CSS variable and fallback (light, dark) of each trip status. */
export const TRIP_HUES: Readonly<Record<MapTripStatus, [variable: string, light: string, dark: string]>> = {
  pending: ["--state-pending", "#b87400", "#e0a030"],
  accepted: ["--state-accepted", "#2f6fed", "#5a92ff"],
  arrived: ["--state-arrived", "#7c4fe0", "#a383f4"],
  ongoing: ["--state-ongoing", "#16914e", "#3cba77"],
  completed: ["--state-completed", "#7a8393", "#8a93a2"],
  cancelled: ["--state-cancelled", "#d6372f", "#ee625a"],
  attention: ["--state-attention", "#c9309b", "#e763bf"],
};

/** CSS variable and fallback (light, dark) of each driver state. Green is free, blue is busy: the answer a dispatcher looks for first. */
export const DRIVER_HUES: Readonly<Record<MapDriverState, [variable: string, light: string, dark: string]>> = {
  available: ["--driver-available", "#16914e", "#3cba77"],
  offered: ["--driver-offered", "#b87400", "#e0a030"],
  on_trip: ["--driver-on-trip", "#2f6fed", "#5a92ff"],
  stale: ["--driver-stale", "#c9309b", "#e763bf"],
  temporarily_offline: ["--driver-temporarily-offline", "#7a8393", "#8a93a2"],
  under_review: ["--driver-under-review", "#d6372f", "#ee625a"],
  offline: ["--driver-offline", "#7a8393", "#8a93a2"],
};

export type GroundPalette = {
  land: string;
  urban: string;
  water: string;
  park: string;
  airport: string;
  runway: string;
  landmark: string;
  minorRoad: string;
  road: string;
  mainRoad: string;
  motorway: string;
  casing: string;
  motorwayCasing: string;
  label: string;
  roadLabel: string;
  waterLabel: string;
  parkLabel: string;
  halo: string;
};

const GROUND: Readonly<Record<MapTheme, GroundPalette>> = {
  light: {
    land: "#f2f4f6",
    urban: "#e9ecf0",
    water: "#c3d3e1",
    park: "#d8e4dc",
    airport: "#dfe4ea",
    runway: "#c8d0da",
    landmark: "#d9dde4",
    minorRoad: "#f8f9fb",
    road: "#ffffff",
    mainRoad: "#ffffff",
    motorway: "#ffffff",
    casing: "#d3d9e1",
    motorwayCasing: "#b4bfcc",
    label: "#56606f",
    roadLabel: "#7b8594",
    waterLabel: "#6f8aa4",
    parkLabel: "#6c8776",
    halo: "#f4f6f8",
  },
  dark: {
    land: "#101318",
    urban: "#161a20",
    water: "#0b2133",
    park: "#14231d",
    airport: "#1b2028",
    runway: "#2b323d",
    landmark: "#222832",
    minorRoad: "#20252d",
    road: "#2a303a",
    mainRoad: "#353d49",
    motorway: "#465161",
    casing: "#0d1014",
    motorwayCasing: "#0a0c10",
    label: "#8b95a4",
    roadLabel: "#6d7785",
    waterLabel: "#4f7596",
    parkLabel: "#557565",
    halo: "#0f1216",
  },
};

export type MapPalette = {
  theme: MapTheme;
  ground: GroundPalette;
  trips: Readonly<Record<MapTripStatus, string>>;
  drivers: Readonly<Record<MapDriverState, string>>;
  accent: string;
  ink: string;
  muted: string;
  surface: string;
  zoneLine: string;
};

/** The palette as the page has it now. Reads the DOM: call it again when the theme changes. */
export function readPalette(): MapPalette {
  const root = document.documentElement;
  const theme: MapTheme = root.classList.contains("dark") ? "dark" : "light";
  const styles = getComputedStyle(root);
  const read = ([variable, light, dark]: [string, string, string]) =>
    styles.getPropertyValue(variable).trim() || (theme === "dark" ? dark : light);
  const readAll = <K extends string>(hues: Readonly<Record<K, [string, string, string]>>) =>
    Object.fromEntries(
      Object.entries(hues).map(([key, hue]) => [key, read(hue as [string, string, string])]),
    ) as Record<K, string>;
  return {
    theme,
    ground: GROUND[theme],
    trips: readAll(TRIP_HUES),
    drivers: readAll(DRIVER_HUES),
    accent: read(["--accent", "#0b7285", "#3fbccf"]),
    ink: read(["--ink", "#14171d", "#e8ebf0"]),
    muted: read(["--muted", "#4a5261", "#a9b1be"]),
    surface: read(["--surface", "#ffffff", "#12151a"]),
    zoneLine: theme === "dark" ? "#7d8a9c" : "#5d6b7e",
  };
}
