export interface Series {
  readonly key: string;
  readonly label: string;
  /** A CSS colour, as a rule a token: `var(--series-1)`. */
  readonly colour: string;
  readonly dash?: string;
}

export interface SeriesPoint {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}
