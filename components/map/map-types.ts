/** What the map draws. Positions are WGS84 degrees; times are ISO 8601. */
import type { FeatureCollection, MultiPolygon, Polygon } from "./geojson.ts";

export type LngLat = [lng: number, lat: number];
/** South-west and north-east corners. */
export type LngLatBounds = [southWest: LngLat, northEast: LngLat];
export type MapPoint = { lat: number; lng: number };

export type MapDriverState =
  | "available"
  | "offered"
  | "on_trip"
  | "stale"
  | "temporarily_offline"
  | "under_review"
  | "offline";

export type MapDriver = MapPoint & {
  id: string;
  name: string;
  /** Degrees clockwise from north. Absent when the phone does not know it: then a dot is drawn, not an arrow. */
  heading?: number | null;
  state: MapDriverState;
  updatedAt: string;
};

/** The hue a trip is drawn in; `attention` is for one that needs a person. */
export type MapTripStatus = "pending" | "accepted" | "arrived" | "ongoing" | "completed" | "cancelled" | "attention";

export type MapTrip = {
  id: string;
  refId: string;
  status: MapTripStatus;
  pickup: MapPoint;
  destination: MapPoint;
  /** The planned way, when it is known; a straight line otherwise. */
  path?: readonly (readonly [lng: number, lat: number])[] | undefined;
  /** Where the assigned driver is; a line joins it to the pickup until the trip is under way. */
  driver?: MapPoint | null;
};

/**
 * `demand`: riders waiting; `supply`: drivers available. Both are shown under the zone's name when both are known.
 * `isSubject`: the map is about the zones, not about what moves in them: their outlines stand out.
 */
type MapZoneProperties = {
  id: string;
  name: string;
  demand?: number;
  supply?: number;
  surge?: number;
  isSubject?: boolean;
};
export type MapZones = FeatureCollection<Polygon | MultiPolygon, MapZoneProperties>;

/** Many drivers drawn as one, made by the server. */
export type MapCluster = MapPoint & {
  id: string;
  count: number;
  states?: Readonly<Partial<Record<MapDriverState, number>>>;
};

/** A piece of a way: driven from position to position, or the straight line over a time without any. */
export type RoutePart = { kind: "driven" | "gap"; points: readonly LngLat[] };

export type MapSelection = { kind: "driver" | "trip" | "zone"; id: string };

/** Where to look. A new object moves the camera, even when its values are those of the last one. */
export type MapFocus = { at: MapPoint; zoom?: number } | { bounds: LngLatBounds; maxZoom?: number };

export type MapViewport = { bounds: LngLatBounds; zoom: number };

/** A corner of a shape being drawn, or the middle of the edge after it. */
export type MapCorner = { part: number; ring: number; index: number; isMiddle: boolean };

/** A shape under the pointer. Rings are open: their first position is not repeated. */
export type MapEditing = {
  parts: readonly (readonly (readonly LngLat[])[])[];
  /** The ring being drawn. */
  drawn: readonly LngLat[] | null;
  picked: MapCorner | null;
  /** Where something is wrong. */
  faults: readonly LngLat[];
  /** A drag begins. A middle is to become a corner, after the one it is named by. */
  onGrab(corner: MapCorner): void;
  onDrag(corner: MapCorner, at: LngLat): void;
  onPick(corner: MapCorner): void;
  /** The ground was clicked. */
  onGround(at: LngLat): void;
};

export type LiveMapProps = {
  zones: MapZones;
  drivers: readonly MapDriver[];
  trips: readonly MapTrip[];
  clusters?: readonly MapCluster[];
  selected?: MapSelection | null;
  /** null: the ground was clicked, or Escape pressed. A cluster is not selected: the map zooms to it. */
  onSelect?: (selection: MapSelection | null) => void;
  focus?: MapFocus | null;
  /** While there is one, the pointer moves its corners, and selects nothing. */
  editing?: MapEditing | null;
  /** A way that was driven, drawn under the drivers. */
  route?: readonly RoutePart[] | null;
  /** Told once when the map is ready, then each time the camera comes to rest. */
  onViewport?: (viewport: MapViewport) => void;
  /** Names the map for screen readers. */
  label?: string;
  className?: string;
};
