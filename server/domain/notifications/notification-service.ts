import type { Trip } from "#server/contracts/trips.ts";
import type { Effects } from "#server/domain/effects/effects.ts";
import type { PushProvider, SmsProvider } from "#server/domain/notifications/message-providers.ts";
import type { Database } from "#server/platform/db.ts";

/** The job that sends, and the version of the trip it sends for: a trip accepted anew is a new message. */
export interface SendingFor {
  readonly jobId: string;
  readonly version: number;
}

/** Messages to people about trips: each sent once, whatever is run again. */
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

  async pushOtp(trip: Trip, otp: string, job: SendingFor): Promise<void> {
    const driver = trip.driver?.name ?? "Your driver";
    const plate = trip.vehicle === null ? "" : ` (${trip.vehicle.plate})`;
    await this.push(
      "otp.push",
      {
        userId: trip.customerId,
        trip,
        title: `${driver} is coming`,
        body: `Give the code ${otp} to ${driver}${plate} to start.`,
        data: { otp },
      },
      job,
    );
  }

  async smsOtp(trip: Trip, otp: string, job: SendingFor): Promise<void> {
    if (trip.customer.phone === "") return;
    const key = { effect: "otp.sms", subject: `${trip.id}:${job.version}`, tripId: trip.id, jobId: job.jobId };
    const body = `SmartLine: your code for trip ${trip.refId} is ${otp}. Tell it only to your driver, ${trip.driver?.name ?? ""} ${trip.vehicle?.plate ?? ""}.`;
    await this.#effects.outside(key, (dedupeKey) =>
      this.#sms.send({ to: trip.customer.phone, body, dedupeKey, tripId: trip.id }),
    );
  }

  /** One push to one person about a trip. `effect` and the trip's version (and, for drivers, who) make it one. */
  async push(
    effect: string,
    message: {
      readonly userId: string;
      readonly trip: Trip;
      readonly title: string;
      readonly body: string;
      readonly data?: Readonly<Record<string, string>>;
      readonly perUser?: boolean;
    },
    job: SendingFor,
  ): Promise<void> {
    const { trip, userId, title, body } = message;
    const subject = `${trip.id}:${job.version}${message.perUser === true ? `:${userId}` : ""}`;
    await this.#effects.outside({ effect, subject, tripId: trip.id, jobId: job.jobId }, async (dedupeKey) => {
      const user = await this.#db.prisma.user.findUnique({
        where: { id: userId },
        select: { fcmToken: true, phone: true, email: true },
      });
      await this.#push.send({
        token: user?.fcmToken ?? null,
        recipient: user?.phone ?? user?.email ?? userId,
        title,
        body,
        data: { tripId: trip.id, refId: trip.refId, event: effect, ...message.data },
        dedupeKey,
        tripId: trip.id,
      });
    });
  }
}
