"use client";

import { useEffect, useRef, useState } from "react";
import { CAPTCHA_WIDGETS, type CaptchaChallenge } from "#server/contracts/captcha.ts";

/** The part that Turnstile, hCaptcha and reCAPTCHA have in common. */
interface WidgetApi {
  render(
    where: HTMLElement,
    options: {
      sitekey: string;
      theme: "light" | "dark";
      callback: (token: string) => void;
      "expired-callback": () => void;
      "error-callback": () => void;
    },
  ): unknown;
}

const READY = "smartlineCaptchaReady";
const LOAD_TIMEOUT_MS = 15_000;
let loading: Promise<WidgetApi> | null = null;

/** Loads the provider's script once. Our own code adds it, so the page's nonce covers it. */
function load(provider: CaptchaChallenge["provider"]): Promise<WidgetApi> {
  loading ??= new Promise<WidgetApi>((resolve, reject) => {
    const { script, global } = CAPTCHA_WIDGETS[provider];
    const page = window as unknown as Record<string, unknown>;
    page[READY] = () => resolve(page[global] as WidgetApi);
    const element = document.createElement("script");
    element.src = `${script}&onload=${READY}`;
    element.onerror = () => reject(new Error("the script did not load"));
    document.head.append(element);
    setTimeout(() => reject(new Error("the script did not load in time")), LOAD_TIMEOUT_MS);
  }).catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

interface CaptchaWidgetProps {
  readonly challenge: CaptchaChallenge;
  /** The answer to send; null when it is not good any more. */
  readonly onToken: (token: string | null) => void;
}

/** A challenge is good for one try: give it another `key` for the next. */
export function CaptchaWidget({ challenge: { provider, siteKey }, onToken }: CaptchaWidgetProps) {
  const where = useRef<HTMLDivElement>(null);
  const tell = useRef(onToken);
  tell.current = onToken;
  const [state, setState] = useState<"loading" | "drawn" | "failed">("loading");

  useEffect(() => {
    let gone = false;
    // The providers never let go of an element: each drawing has its own.
    const frame = document.createElement("div");
    where.current?.replaceChildren(frame);
    load(provider).then(
      (api) => {
        if (gone) return;
        api.render(frame, {
          sitekey: siteKey,
          theme: document.documentElement.classList.contains("dark") ? "dark" : "light",
          callback: (token) => tell.current(token),
          "expired-callback": () => tell.current(null),
          "error-callback": () => setState("failed"),
        });
        setState("drawn");
      },
      () => setState("failed"),
    );
    return () => {
      gone = true;
    };
  }, [provider, siteKey]);

  return (
    <div>
      <p className="mb-1 font-medium">Show that you are a person</p>
      <div ref={where} className="min-h-16 overflow-x-auto" />
      {state === "loading" && <p className="text-muted">Loading the challenge…</p>}
      {state === "failed" && (
        <p className="text-danger">
          The challenge could not be loaded. Check that your network lets this page reach its provider, and reload it.
        </p>
      )}
    </div>
  );
}
