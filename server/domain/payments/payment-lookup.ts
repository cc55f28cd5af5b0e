import type { PaymentEvent } from "#server/contracts/payments.ts";
import type { Doubt } from "#server/domain/payments/payment-events.ts";
import {
  eventOfMercadoPagoChargeback,
  eventOfMercadoPagoPayment,
} from "#server/domain/payments/webhooks/mercadopago.ts";
import { doubtOfSslCommerz } from "#server/domain/payments/webhooks/sslcommerz.ts";
import { type ProviderClient, ProviderError } from "#server/platform/http-client.ts";

/** The event as the gateway itself confirms it, and what it gave reason to doubt. */
export interface Confirmed {
  readonly event: PaymentEvent;
  readonly doubt: Doubt | null;
}

/** Asks gateways about events whose signature does not cover what they say. Throws `ProviderError`. */
export type PaymentLookup = (event: PaymentEvent) => Promise<Confirmed>;

export interface LookupConfig {
  readonly mercadopago: { readonly baseUrl: string; readonly accessToken: string } | null;
  readonly sslcommerz: { readonly baseUrl: string; readonly storeId: string; readonly password: string } | null;
}

const notSet = (what: string) => new ProviderError(`${what} is not set`, { permanent: true });

/** MercadoPago by `GET /v1/payments|chargebacks/{id}`, SSLCommerz by its validation API; the other gateways' events as they are. */
export function createPaymentLookup(
  config: LookupConfig,
  clients: { readonly mercadopago: ProviderClient; readonly sslcommerz: ProviderClient },
): PaymentLookup {
  async function fromMercadoPago(event: PaymentEvent): Promise<Confirmed> {
    const { paymentId, disputeId } = event;
    if (paymentId === null && disputeId === null) return { event, doubt: null };
    if (config.mercadopago === null) throw notSet("MERCADOPAGO_ACCESS_TOKEN");
    const { baseUrl, accessToken } = config.mercadopago;
    const [what, id] = paymentId !== null ? ["payments", paymentId] : ["chargebacks", disputeId ?? ""];
    const found = await clients.mercadopago.call({
      url: new URL(`/v1/${what}/${encodeURIComponent(id)}`, baseUrl).href,
      method: "GET",
      headers: { authorization: `Bearer ${accessToken}` },
    });
    const confirmed =
      what === "payments" ? eventOfMercadoPagoPayment(id, found) : eventOfMercadoPagoChargeback(id, found);
    if (confirmed === null)
      throw new ProviderError("mercadopago answered with another payment than was asked for", { permanent: false });
    return { event: confirmed, doubt: null };
  }

  /** Its password goes in the address: the address is in no error and no log. */
  async function fromSslCommerz(event: PaymentEvent): Promise<Confirmed> {
    if (event.kind !== "captured") return { event, doubt: null };
    if (config.sslcommerz === null) throw notSet("SSLCOMMERZ_STORE_PASSWORD");
    const { baseUrl, storeId, password } = config.sslcommerz;
    const url = new URL("/validator/api/validationserverAPI.php", baseUrl);
    const asked = { val_id: event.paymentId ?? "", store_id: storeId, store_passwd: password, v: "1", format: "json" };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    const doubt = doubtOfSslCommerz(event, await clients.sslcommerz.call({ url: url.href, method: "GET" }));
    return { event: { ...event, amountIsSigned: doubt === null }, doubt };
  }

  return async (event) => {
    if (event.gateway === "mercadopago") return fromMercadoPago(event);
    if (event.gateway === "sslcommerz") return fromSslCommerz(event);
    return { event, doubt: null };
  };
}
