import type { Trip } from "#server/contracts/trips.ts";

/** What a call looks like: shown in the API's document, and held against the procedure's own schemas by a test. */
export interface Example {
  readonly description: string;
  /** Path, query and body together, as the procedure takes them. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly output: unknown;
}

const TRIP_ID = "01990f3e-6c1a-7b52-8a4e-3d1f5b7c9e21";
const CUSTOMER = { id: "01990f00-0000-7000-8000-0000000000c1", name: "Mona Adel", phone: "+201100000001" };
const DRIVER = { id: "01990f00-0000-7000-8000-0000000000d1", name: "Karim Hassan", phone: "+201000000001" };
const VEHICLE = {
  id: "01990f00-0000-7000-8000-0000000000f1",
  plate: "ABC 1234",
  model: "Toyota Corolla",
  category: "economy",
};
const PICKUP = { lat: 30.0444, lng: 31.2357, address: "Tahrir Square" };
const DESTINATION = { lat: 30.0626, lng: 31.2497, address: "Ramses Station" };

const SESSION_ID = "01990f3e-0000-7000-8000-0000000000a1";
const SIGNED_IN = {
  accessToken: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk5MGYwMCJ9.c2lnbmF0dXJl",
  refreshToken: "q4r1V0yq8n1mXw0pJf3o2bS5e7dKc9tAzUuLhGiNvE0",
  expiresIn: 900,
  user: { id: CUSTOMER.id, type: "customer", name: CUSTOMER.name, email: null, phone: CUSTOMER.phone },
};
const SIGNING_KEY = {
  id: "01990f00-0000-7000-8000-0000000000e1",
  device: "Karim's phone",
  createdAt: "2026-11-20T08:59:00.000Z",
  lastUsedAt: null,
};

const PENDING: Trip = {
  id: TRIP_ID,
  refId: "T4K7M2P9QX",
  type: "ride_request",
  status: "pending",
  version: 0,
  zoneId: "01990f00-0000-7000-8000-000000000021",
  vehicleCategory: "economy",
  paymentMethod: "cash",
  pickup: PICKUP,
  destination: DESTINATION,
  stops: [],
  estimatedFare: { amount: 3450, currency: "EGP" },
  actualFare: null,
  bidding: false,
  agreedFare: null,
  estimatedDistanceMeters: 2430,
  estimatedDurationSeconds: 420,
  actualDistanceMeters: null,
  routeEstimated: false,
  surgeMultiplier: 1,
  customerId: CUSTOMER.id,
  customer: CUSTOMER,
  driverId: null,
  driver: null,
  vehicle: null,
  cancelledBy: null,
  cancelReason: null,
  message: null,
  scheduledAt: null,
  createdAt: "2026-11-20T09:00:00.000Z",
  acceptedAt: null,
  arrivedAt: null,
  startedAt: null,
  endedAt: null,
};
const ACCEPTED: Trip = {
  ...PENDING,
  status: "accepted",
  version: 1,
  driverId: DRIVER.id,
  driver: DRIVER,
  vehicle: VEHICLE,
  acceptedAt: "2026-11-20T09:00:11.000Z",
};
const ARRIVED: Trip = { ...ACCEPTED, status: "arrived", version: 2, arrivedAt: "2026-11-20T09:05:40.000Z" };
const ONGOING: Trip = { ...ARRIVED, status: "ongoing", version: 3, startedAt: "2026-11-20T09:07:02.000Z" };
const COMPLETED: Trip = {
  ...ONGOING,
  status: "completed",
  version: 4,
  actualDistanceMeters: 2600,
  actualFare: { amount: 3600, currency: "EGP" },
  endedAt: "2026-11-20T09:15:30.000Z",
};
const CANCELLED: Trip = {
  ...PENDING,
  status: "cancelled",
  version: 1,
  cancelledBy: "customer",
  cancelReason: "Plans changed",
  endedAt: "2026-11-20T09:01:10.000Z",
};

const BID = {
  id: "01990f3e-9000-7b52-8a4e-3d1f5b7c9e24",
  tripId: TRIP_ID,
  driver: { ...DRIVER, phone: "" },
  vehicle: VEHICLE,
  amount: { amount: 3900, currency: "EGP" },
  status: "open",
  createdAt: "2026-11-20T09:00:07.000Z",
};

export const EXAMPLES: Readonly<Record<string, Example>> = {
  "auth.login": {
    description:
      "Send either `phone` or `email`. The answer takes the same time and words for an unknown account, a wrong password and a locked account. Operators with a second factor add `totp`; after CAPTCHA_REQUIRED send the solved challenge as `captchaToken`.",
    input: { phone: "+201100000001", password: "correct horse battery staple" },
    output: SIGNED_IN,
  },
  "auth.requestCode": {
    description:
      "Six digits by SMS, good for 5 minutes and one use. The answer is the same whether or not the phone is known.",
    input: { phone: CUSTOMER.phone },
    output: { status: "accepted", expiresIn: 300 },
  },
  "auth.verifyCode": {
    description: "Five wrong tries end the code: ask for a new one.",
    input: { phone: CUSTOMER.phone, code: "482915" },
    output: SIGNED_IN,
  },
  "auth.register": {
    description:
      "Nothing exists until the code from the SMS confirms it. The answer is the same for a phone that has an account already; only the phone hears of it.",
    input: {
      type: "customer",
      phone: CUSTOMER.phone,
      password: "purple elephant drives",
      firstName: "Mona",
      lastName: "Adel",
    },
    output: { registrationId: SESSION_ID, status: "code_sent", expiresIn: 300 },
  },
  "auth.verifyRegistration": {
    description: "Makes the account and signs in. A driver's account waits for review before it takes trips.",
    input: { registrationId: SESSION_ID, code: "482915" },
    output: SIGNED_IN,
  },
  "auth.refresh": {
    description:
      "Each refresh token is exchanged once. To ask again after a lost answer send the same Idempotency-Key within a minute: it answers the same refresh token. Any other reuse ends the session.",
    input: { refreshToken: SIGNED_IN.refreshToken },
    output: SIGNED_IN,
  },
  "auth.logout": {
    description: "This session's tokens are worth nothing from then on, within 5 seconds everywhere.",
    input: {},
    output: { ended: true },
  },
  "auth.changePassword": {
    description:
      "At least 12 characters, or 8 that are hard to guess. This session goes on; every other one, and every other token, ends.",
    input: { oldPassword: "correct horse battery staple", newPassword: "a quite new sentence" },
    output: { accessToken: SIGNED_IN.accessToken, expiresIn: 900, sessionsEnded: 2 },
  },
  "auth.sessions": {
    description: "Live ones only, last used first.",
    input: {},
    output: {
      sessions: [
        {
          id: SESSION_ID,
          kind: "app",
          device: "SmartLine/9 (Android)",
          ip: "203.0.113.7",
          createdAt: "2026-11-20T08:00:00.000Z",
          lastUsedAt: "2026-11-20T09:00:00.000Z",
          expiresAt: "2026-12-20T09:00:00.000Z",
          current: true,
        },
      ],
    },
  },
  "auth.revokeSession": {
    description: "Another person's session is not found.",
    input: { id: SESSION_ID },
    output: { ended: true },
  },
  "rides.create": {
    description:
      "Looks for a driver for 3 minutes, nearest first, and tells the app by push and socket; with `scheduledAt` (15 minutes to 30 days ahead) from 15 minutes before. Both ends must lie in a zone that we serve.",
    input: { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "economy", paymentMethod: "cash" },
    output: PENDING,
  },
  "pricing.estimate": {
    description:
      "Every category's fare for a ride, now, with what makes it hold: send an option's `quote` with the booking within three minutes, and its fare and multiplier are those of the trip. Without one a trip is booked at the fare of that moment. While `surgeMultiplier` is above 1, show `message`.",
    input: { pickup: PICKUP, destination: DESTINATION },
    output: {
      zoneId: "01990f00-0000-7000-8000-000000000021",
      zoneName: "Downtown",
      estimatedDistanceMeters: 2430,
      estimatedDurationSeconds: 420,
      routeEstimated: false,
      surgeMultiplier: 1.2,
      message: "High demand in your area. Prices are temporarily higher.",
      options: [
        {
          vehicleCategory: "economy",
          name: "Economy",
          estimatedFare: { amount: 4140, currency: "EGP" },
          quote: "WyIwMTk5MGYwMCJd.9f2c3b1a7e5d4c6b8a90",
        },
      ],
      expiresAt: "2026-11-20T09:03:00.000Z",
    },
  },
  "bids.place": {
    description:
      "Where the zone has bidding on (`trip.bidding`), for a driver who was asked: a fare in minor units of the trip's currency, from 50 to 200 % of the estimate unless the zone says otherwise. A new one replaces the last. The rider hears of it by `bid.created` on `driver-trip-accepted.{customerId}`. A plain accept needs a bid first, and takes the trip at its estimate.",
    input: { id: TRIP_ID, amount: 3900 },
    output: BID,
  },
  "bids.list": {
    description: "Of the rider's own trip: open ones first, the lowest first.",
    input: { id: TRIP_ID },
    output: { items: [BID] },
  },
  "bids.accept": {
    description:
      "The bid's driver has the trip at the bid's fare, or nothing has changed: 409 `VERSION_CONFLICT` when the bid was replaced or closed meanwhile, `DRIVER_NOT_AVAILABLE` when its driver took another trip. Asked again it answers 200 with `alreadyAccepted: true`.",
    input: { id: TRIP_ID, bidId: BID.id },
    output: {
      trip: { ...ACCEPTED, bidding: true, agreedFare: { amount: 3900, currency: "EGP" } },
      alreadyAccepted: false,
    },
  },
  "rides.list": {
    description:
      "A customer's own trips, or those that a driver has driven. `nextCursor` is the `cursor` of the next page; null on the last.",
    input: { status: "pending,accepted", limit: 20 },
    output: { items: [PENDING], nextCursor: null },
  },
  "rides.get": {
    description:
      "Another's trip does not exist. The rider's answer has `otp`, the code to start with, while it is of use.",
    input: { id: TRIP_ID },
    output: { ...ACCEPTED, otp: "4821" },
  },
  "rides.cancel": {
    description:
      "By its customer until it has started. By its driver: the trip goes back to `pending` and another driver is looked for.",
    input: { id: TRIP_ID, reason: "Plans changed" },
    output: CANCELLED,
  },
  "rides.accept": {
    description:
      "The first driver to ask gets it; everyone else gets 409 `TRIP_ALREADY_ASSIGNED`. Asked again by the same driver it answers 200 with `alreadyAccepted: true`. With `expectedVersion`, only if the trip has not changed since.",
    input: { id: TRIP_ID, expectedVersion: 0 },
    output: { trip: ACCEPTED, alreadyAccepted: false },
  },
  "rides.reject": {
    description: "The trip is not offered to this driver again.",
    input: { id: TRIP_ID },
    output: PENDING,
  },
  "rides.arrive": { description: "Tells the rider that the driver waits.", input: { id: TRIP_ID }, output: ARRIVED },
  "rides.start": {
    description:
      "With the 4 digits that the rider reads out. A wrong code is refused, and too many of them for a while.",
    input: { id: TRIP_ID, otp: "4821" },
    output: ONGOING,
  },
  "rides.complete": {
    description: "Ends the trip and sets its fare. Without `distanceMeters` the estimate stands.",
    input: { id: TRIP_ID, distanceMeters: 2600 },
    output: COMPLETED,
  },
  "rides.review": {
    description: "Of the customer's own trip, once it is completed, and once only.",
    input: { id: TRIP_ID, rating: 5, comment: "Calm driver, clean car" },
    output: {
      id: "01990f5a-2c1a-7b52-8a4e-3d1f5b7c9e25",
      tripId: TRIP_ID,
      driverId: DRIVER.id,
      rating: 5,
      comment: "Calm driver, clean car",
      createdAt: "2026-11-20T09:20:00.000Z",
    },
  },
  "signing.issue": {
    description:
      "Within 15 minutes of signing in (403 later: sign in again). The secret is told this once. Ten devices may have keys; a key that is lost is revoked, and all are when the password changes, a refresh token is reused or the account is closed.",
    input: { device: "Karim's phone" },
    output: { ...SIGNING_KEY, secret: "kq0y9vQm3m9o1t6b0nX8yqjv5d2Z7s4u1w3e5r7t9y0" },
  },
  "signing.list": {
    description: "Live keys, newest first. `lastUsedAt` tells which of them a device still signs with.",
    input: {},
    output: { items: [{ ...SIGNING_KEY, lastUsedAt: "2026-11-20T09:00:11.000Z" }] },
  },
  "signing.revoke": {
    description: "At once: nothing that is signed with it is taken any more.",
    input: { id: SIGNING_KEY.id },
    output: { revoked: true },
  },
  "driving.setAvailability": {
    description: "Going off line, or unavailable, hands accepted trips that have not started back to the search.",
    input: { online: true, availability: "available" },
    output: { online: true, availability: "available", releasedTripIds: [] },
  },
  "driving.location": {
    description:
      "One in 3 seconds is taken; faster ones are dropped and answered `accepted: false`. Every 5 seconds is right.",
    input: { lat: 30.0444, lng: 31.2357, accuracy: 8, heading: 45, speed: 8.3, recordedAt: "2026-11-20T09:00:05.000Z" },
    output: { accepted: true },
  },
  "driving.pending": {
    description: "An offer is an invitation: any available driver with a vehicle of the category may accept.",
    input: {},
    output: {
      items: [
        {
          offerId: "01990f3e-7000-7b52-8a4e-3d1f5b7c9e22",
          tripId: TRIP_ID,
          trip: PENDING,
          distanceMeters: 640,
          expiresAt: "2026-11-20T09:00:15.000Z",
        },
      ],
    },
  },
  "messages.list": {
    description: "For operators with `messages.view`. Only where no provider is configured are messages kept here.",
    input: { channel: "sms", limit: 20 },
    output: {
      items: [
        {
          id: "01990f3e-8000-7b52-8a4e-3d1f5b7c9e23",
          channel: "sms",
          to: CUSTOMER.phone,
          title: null,
          body: "Your code is 4821.",
          tripId: TRIP_ID,
          at: "2026-11-20T09:00:12.000Z",
        },
      ],
      nextCursor: null,
    },
  },
};
