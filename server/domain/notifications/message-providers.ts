/** A message on its way to one phone. `dedupeKey` is the same for every repeat of the same message. */
export interface PushMessage {
  readonly token: string | null;
  /** Who it is for, for people: the recorder shows it. */
  readonly recipient: string;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
  readonly dedupeKey: string;
  readonly tripId: string | null;
}

export interface SmsMessage {
  readonly to: string;
  readonly body: string;
  readonly dedupeKey: string;
  readonly tripId: string | null;
}

export interface PushProvider {
  readonly name: "fcm" | "recorder";
  /** Throws `ProviderError`. */
  send(message: PushMessage): Promise<void>;
}

export interface SmsProvider {
  readonly name: "http" | "recorder";
  /** False where a code would reach nobody: neither its phone nor, in the demo, who looks at the recorder. */
  readonly canSendCodes: boolean;
  /** Throws `ProviderError`. */
  send(message: SmsMessage): Promise<void>;
}
