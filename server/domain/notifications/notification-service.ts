import type { Trip } from "#server/contracts/trips.ts";
import type { Effects, OutsideEffect } from "#server/domain/effects/effects.ts";
import type { PushProvider, SmsProvider } from "#server/domain/notifications/message-providers.ts";
import { findRecipient } from "#server/domain/notifications/recipient-store.ts";
import type { Database } from "#server/platform/db.ts";

/** The job that sends, and the version of the trip it sends for: a trip accepted anew is a new message. */
export interface SendingFor {
  readonly jobId: string;
  readonly version: number;
}

interface PushAboutTrip {
  readonly userId: string;
  readonly trip: Trip;
  readonly title: string;
  readonly body: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly perUser?: boolean;
}

/** Messages to people: each sent once, whatever is run again. */
export class NotificationService {
  readonly #db: Database;
  readonly #push: PushProvider;
  readonly #sms: SmsProvider;
  readonly #effects: Effects;

  constructor(options: { db: Database; push: PushProvider; sms: SmsProvider; effects: Effects }) {
    this.#db = options.db;
    this.#push = options.push;
    this.#sms = options.sms;
    this.#effects = options.effects;
  }

  get providers(): { readonly push: string; readonly sms: string } {
    return { push: this.#push.name, sms: this.#sms.name };
  }

  get canSendCodes(): boolean {
    return this.#sms.canSendCodes;
  }

  /** The rider's code, by push and by SMS. */
  async sendOtp(trip: Trip, otp: string, job: SendingFor): Promise<void> {
    const driver = trip.driver?.name ?? "Your driver";
    const plate = trip.vehicle?.plate ?? "";
    const push = this.#pushEffect(
      "otp.push",
      {
        userId: trip.customerId,
        trip,
        title: `${driver} is coming`,
        body: `Give the code ${otp} to ${driver}${plate === "" ? "" : ` (${plate})`} to start.`,
        data: { otp },
      },
      job,
    );
    if (trip.customer.phone === "") return this.#effects.outside(push);
    const body = `SmartLine: your code for trip ${trip.refId} is ${otp}. Tell it only to your driver, ${trip.driver?.name ?? ""} ${plate}.`;
    await this.#effects.outside(push, {
      key: { effect: "otp.sms", subject: `${trip.id}:${job.version}`, tripId: trip.id, jobId: job.jobId },
      send: (dedupeKey) => this.#sms.send({ to: trip.customer.phone, body, dedupeKey, tripId: trip.id }),
    });
  }

  /** One push to one person about a trip. `effect` and the trip's version (and, for drivers, who) make it one. */
  async push(effect: string, message: PushAboutTrip, job: SendingFor): Promise<void> {
    await this.#effects.outside(this.#pushEffect(effect, message, job));
  }

  /** One SMS that is about no trip. `effect` and `subject` make it one. */
  async sms(
    effect: string,
    message: { readonly to: string; readonly body: string; readonly subject: string; readonly jobId: string },
  ): Promise<void> {
    const { to, body, subject, jobId } = message;
    await this.#effects.outside({
      key: { effect, subject, tripId: null, jobId },
      send: (dedupeKey) => this.#sms.send({ to, body, dedupeKey, tripId: null }),
    });
  }

  #pushEffect(effect: string, message: PushAboutTrip, job: SendingFor): OutsideEffect {
    const { trip, userId, title, body } = message;
    const subject = `${trip.id}:${job.version}${message.perUser === true ? `:${userId}` : ""}`;
    return {
      key: { effect, subject, tripId: trip.id, jobId: job.jobId },
      send: async (dedupeKey) => {
        const user = await findRecipient(this.#db.pool, userId);
        await this.#push.send({
          token: user?.fcm_token ?? null,
          recipient: user?.phone ?? user?.email ?? userId,
          title,
          body,
          data: { tripId: trip.id, refId: trip.refId, event: effect, ...message.data },
          dedupeKey,
          tripId: trip.id,
        });
      },
    };
  }
}
