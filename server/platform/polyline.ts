import type { Coordinates } from "#server/contracts/geo.ts";

const PRECISION = 1e5;

/** Google's encoded polyline of precision 5, as routing providers draw a way. Null when it is none, or leaves the globe. */
export function decodePolyline(text: string): Coordinates[] | null {
  const points: Coordinates[] = [];
  let at = 0;
  /** The next signed number: five bits a character, lowest first, the sixth says that more follow. */
  const next = (): number => {
    let [bits, shift, byte] = [0, 0, 0];
    do {
      byte = text.charCodeAt(at++) - 63;
      if (!(byte >= 0 && byte < 64) || shift > 30) return Number.NaN;
      bits |= (byte & 31) << shift;
      shift += 5;
    } while (byte >= 32);
    return bits & 1 ? ~(bits >> 1) : bits >> 1;
  };
  let [lat, lng] = [0, 0];
  while (at < text.length) {
    lat += next();
    lng += next();
    const point = { lat: lat / PRECISION, lng: lng / PRECISION };
    if (!(Math.abs(point.lat) <= 90 && Math.abs(point.lng) <= 180)) return null;
    points.push(point);
  }
  return points.length > 1 ? points : null;
}
