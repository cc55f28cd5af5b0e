import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { certificateAddress, subscribeAddress } from "#server/domain/payments/webhooks/sns-address.ts";
import { createPemFetcher, createSigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import { amazon, BAD_CERTIFICATE_URLS, CERTIFICATE_URL, certificatePem } from "./testing/bkash.ts";

/** Counts its calls. */
function source(answer: (url: string) => Promise<string>) {
  const calls: string[] = [];
  return {
    calls,
    fetchPem: (url: string) => {
      calls.push(url);
      return answer(url);
    },
  };
}

describe("certificateAddress", () => {
  it("lets Amazon's through", () => {
    expect(certificateAddress(CERTIFICATE_URL)).toBe(CERTIFICATE_URL);
    expect(certificateAddress("https://sns.cn-north-1.amazonaws.com.cn/a.pem")).not.toBeNull();
  });
  it.each(BAD_CERTIFICATE_URLS)("refuses %j", (url) => {
    expect(certificateAddress(url)).toBeNull();
  });
});

describe("subscribeAddress", () => {
  const url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn%3Aaws&Token=x";
  it("takes a confirmation of our topic only", () => {
    expect(subscribeAddress(url, "arn:aws")).toBe(url);
    expect(subscribeAddress(url, "arn:other")).toBeNull();
    expect(subscribeAddress(url.replace("sns.", "evil."), "arn:aws")).toBeNull();
  });
});

describe("createSigningKeys", () => {
  it("fetches a certificate once, however many ask at the same moment", async () => {
    const { calls, fetchPem } = source(async () => certificatePem);
    const keys = createSigningKeys(fetchPem);
    const [first] = await Promise.all([keys.at(CERTIFICATE_URL), keys.at(CERTIFICATE_URL)]);
    await keys.at(CERTIFICATE_URL);
    expect(calls).toEqual([CERTIFICATE_URL]);
    expect(first.publicKey.equals(amazon.publicKey)).toBe(true);
  });

  it("does not keep a failure", async () => {
    let up = false;
    const { calls, fetchPem } = source(async () => {
      if (!up) throw new Error("down");
      return certificatePem;
    });
    const keys = createSigningKeys(fetchPem);
    await expect(keys.at(CERTIFICATE_URL)).rejects.toThrow("down");
    up = true;
    await keys.at(CERTIFICATE_URL);
    expect(calls).toHaveLength(2);
  });

  it("turns a fetcher that throws at once into a rejection", async () => {
    const keys = createSigningKeys(() => {
      throw new Error("at once");
    });
    await expect(keys.at(CERTIFICATE_URL)).rejects.toThrow("at once");
  });

  it("keeps no more than sixteen", async () => {
    const { calls, fetchPem } = source(async () => certificatePem);
    const keys = createSigningKeys(fetchPem);
    const urls = Array.from({ length: 17 }, (_, i) => CERTIFICATE_URL.replace("-1.pem", `-${i}.pem`));
    for (const url of urls) await keys.at(url);
    await keys.at(urls[16] ?? "");
    expect(calls).toHaveLength(17);
    await keys.at(urls[0] ?? "");
    expect(calls).toHaveLength(18);
  });

  it("fetches from nowhere else, whoever asks", async () => {
    const { calls, fetchPem } = source(async () => certificatePem);
    await expect(createSigningKeys(fetchPem).at("https://evil.example/a.pem")).rejects.toThrow("not an address");
    expect(calls).toEqual([]);
  });

  it.each([
    ["too long a text", async () => certificatePem + " ".repeat(20_000)],
    ["no certificate", async () => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
  ])("refuses %s", async (_what, answer) => {
    await expect(createSigningKeys(answer).at(CERTIFICATE_URL)).rejects.toThrow();
  });
});

describe("createPemFetcher", () => {
  let server: Server | undefined;
  afterEach(() => new Promise((resolve) => server?.close(resolve)));

  async function serving(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("answers the body of a 200", async () => {
    const url = await serving((_request, response) => response.end("pem"));
    await expect(createPemFetcher()(url)).resolves.toBe("pem");
  });
  it("follows no redirect", async () => {
    const visited: (string | undefined)[] = [];
    const url = await serving((request, response) => {
      visited.push(request.url);
      response.writeHead(302, { location: "/elsewhere.pem" }).end();
    });
    await expect(createPemFetcher()(`${url}/a.pem`)).rejects.toThrow();
    expect(visited).toEqual(["/a.pem"]);
  });
  it("takes nothing but a 200", async () => {
    const url = await serving((_request, response) => response.writeHead(404).end(certificatePem));
    await expect(createPemFetcher()(url)).rejects.toThrow("404");
  });
});
