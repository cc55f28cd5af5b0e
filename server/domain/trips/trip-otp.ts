import { derivedDigits, sha256Hex } from "#server/platform/crypto.ts";

/**
 * The code with which a driver starts a trip. Derived from the server's secret, the trip and its driver: the same for
 * every resend and every re-run of a job, known the moment the trip is accepted, another one for another driver.
 */
export const tripOtp = (secret: string, tripId: string, driverId: string): string =>
  derivedDigits(secret, `trip-otp:${tripId}:${driverId}`, 4);

export const tripOtpHash = (secret: string, tripId: string, code: string): string =>
  sha256Hex(`${secret}:${tripId}:${code}`);

/** Wrong codes in a row that make the driver wait a minute: 4 digits must not be guessed. */
export const MAX_OTP_ATTEMPTS = 5;
