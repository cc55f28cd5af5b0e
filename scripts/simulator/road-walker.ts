import { type GeoPoint, nearestNode, type RoadEdge, type RoadGraph, route } from "./road-graph.ts";

/** Where a walker is. `arrived` stays true from the end of its route until it is sent elsewhere. */
export type WalkerPosition = GeoPoint & { headingDegrees: number; speedMps: number; arrived: boolean };

/** Uniform in [0, 1), as Math.random. */
export type Random = () => number;

/** How far a driver's own pace, and the pace on one street, stray from the class speed (± share). */
const TEMPERAMENT = 0.15;
const TRAFFIC = 0.25;

/** A vehicle that drives the road graph: give it a destination, then advance it. It never leaves a road. */
export class RoadWalker {
  readonly #graph: RoadGraph;
  readonly #random: Random;
  readonly #temperament: number;
  #node: number;
  #remaining: number[] = [];
  #edge: RoadEdge | undefined;
  #travelledM = 0;
  #speedMps = 0;
  #headingDegrees: number;

  /** Starts, standing still, on the node nearest to `start`. */
  constructor(graph: RoadGraph, start: GeoPoint, random: Random) {
    this.#graph = graph;
    this.#random = random;
    this.#temperament = 1 + (random() * 2 - 1) * TEMPERAMENT;
    this.#node = nearestNode(graph, start);
    this.#headingDegrees = graph.edges[this.#node]?.[0]?.headingDegrees ?? 0;
  }

  /**
   * Sends the walker to the node nearest to a point. It finishes the segment it is on first: cars do not turn round in mid-block.
   * Returns false, and keeps the present course, when there is no way there.
   */
  goTo(destination: GeoPoint): boolean {
    const from = this.#edge?.to ?? this.#node;
    const found = route(this.#graph, from, nearestNode(this.#graph, destination));
    if (!found) return false;
    this.#remaining = found.path.slice(1);
    if (!this.#edge) this.#enterNextEdge();
    return true;
  }

  /** Sends the walker to a random place in the graph. */
  wander(): boolean {
    const target = this.#graph.nodes[Math.floor(this.#random() * this.#graph.nodes.length)];
    return target ? this.goTo(target) : false;
  }

  /** Moves on by `seconds` (≥ 0) and says where that is. */
  advance(seconds: number): WalkerPosition {
    let left = seconds;
    while (this.#edge && left > 0) {
      const toEndS = (this.#edge.lengthM - this.#travelledM) / this.#speedMps;
      if (left < toEndS) {
        this.#travelledM += left * this.#speedMps;
        break;
      }
      left -= toEndS;
      this.#node = this.#edge.to;
      this.#enterNextEdge();
    }
    return this.position();
  }

  /** Where the walker is now. */
  position(): WalkerPosition {
    const from = this.#graph.nodes[this.#node] as GeoPoint;
    const headingDegrees = this.#headingDegrees;
    if (!this.#edge) return { ...from, headingDegrees, speedMps: 0, arrived: true };
    const to = this.#graph.nodes[this.#edge.to] as GeoPoint;
    const share = this.#edge.lengthM > 0 ? this.#travelledM / this.#edge.lengthM : 1;
    return {
      lat: from.lat + (to.lat - from.lat) * share,
      lng: from.lng + (to.lng - from.lng) * share,
      headingDegrees,
      speedMps: this.#speedMps,
      arrived: false,
    };
  }

  #enterNextEdge(): void {
    const next = this.#remaining.shift();
    this.#edge = this.#graph.edges[this.#node]?.find((edge) => edge.to === next);
    this.#travelledM = 0;
    if (!this.#edge) {
      this.#remaining = [];
      return;
    }
    this.#headingDegrees = this.#edge.headingDegrees;
    this.#speedMps = this.#edge.speedMps * this.#temperament * (1 + (this.#random() * 2 - 1) * TRAFFIC);
  }
}
