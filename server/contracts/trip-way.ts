/** The way of one live trip as the map shows it: what was planned, and how long it still takes. */
export interface TripWay {
  readonly planned: {
    /** [longitude, latitude], through the stops. */
    readonly points: readonly (readonly [lng: number, lat: number])[];
    readonly distanceMeters: number;
    readonly durationSeconds: number;
    /** A straight line at 40 km/h: no routing provider answered. */
    readonly estimated: boolean;
  };
  /** From where the driver was last heard of; null without a driver on the way, and for who may not see drivers. */
  readonly eta: {
    readonly to: "pickup" | "destination";
    readonly seconds: number;
    readonly distanceMeters: number;
    readonly estimated: boolean;
    /** When the driver was there. */
    readonly at: string;
    /** There are stops on the way, which it does not count. */
    readonly passesStops: boolean;
  } | null;
}
