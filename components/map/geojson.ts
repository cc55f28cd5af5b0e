/** As much of GeoJSON (RFC 7946) as the map draws. Positions are [longitude, latitude] in WGS84 degrees. */
export type Position = number[];
export type Polygon = { type: "Polygon"; coordinates: Position[][] };
export type MultiPolygon = { type: "MultiPolygon"; coordinates: Position[][][] };
export type Geometry =
  | { type: "Point"; coordinates: Position }
  | { type: "LineString"; coordinates: Position[] }
  | Polygon
  | MultiPolygon;
export type Feature<G = Geometry, P = Record<string, unknown>> = { type: "Feature"; properties: P; geometry: G };
export type FeatureCollection<G = Geometry, P = Record<string, unknown>> = {
  type: "FeatureCollection";
  features: Feature<G, P>[];
};
