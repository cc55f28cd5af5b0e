"use client";

import { Eye, EyeOff } from "lucide-react";
import { useRouter } from "next/navigation";
import { signIn } from "next-auth/react";
import { useRef, useState } from "react";
import { useHydrated } from "#components/data/use-now.ts";
import { Button } from "#components/ui/button.tsx";
import { Input } from "#components/ui/input.tsx";
import { type CaptchaChallenge, readChallenge } from "#server/contracts/captcha.ts";
import { CaptchaWidget } from "./captcha-widget.tsx";
import { DEMO_ACCOUNTS } from "./demo-accounts.ts";

interface SignInFormProps {
  /** Where to go afterwards: a path of ours. */
  readonly to: string;
  readonly demo: boolean;
  readonly notice: string | null;
}

const WRONG = "Email or password is wrong. Nothing was changed; check both and try again.";
const SECOND_FACTOR = "SECOND_FACTOR_REQUIRED";
const CAPTCHA = "CAPTCHA_REQUIRED";
const NO_CHALLENGE =
  "There were too many failed sign-ins for this account. Wait until tomorrow, or ask a colleague who manages people to let you in.";
const DOWN = "The server did not answer. Check your connection and try again.";

export function SignInForm({ to, demo, notice }: SignInFormProps) {
  const router = useRouter();
  const hydrated = useHydrated();
  // Read when they are sent: what a password manager filled in before the page came alive counts too.
  const emailField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [totp, setTotp] = useState<string | null>(null);
  const [challenge, setChallenge] = useState<CaptchaChallenge | null>(null);
  /** A solved challenge is good for one try: each try has its own. */
  const [round, setRound] = useState(0);
  const [captchaToken, setCaptchaToken] = useState<string | null>(null);
  /** The try that was sent back for the challenge goes out again by itself, once. */
  const [waiting, setWaiting] = useState(false);

  const onToken = (token: string | null) => {
    setCaptchaToken(token);
    if (token === null || !waiting || busy) return;
    setWaiting(false);
    void submit(token);
  };

  const askForChallenge = (more: string, sent: string | null) => {
    const asked = readChallenge(more);
    setChallenge(asked);
    setWaiting(asked !== null && sent === null);
    if (asked === null) setProblem(NO_CHALLENGE);
    else if (sent === null) setProblem("Too many failed sign-ins. Solve the challenge below to go on.");
    else setProblem("The challenge was not accepted. Solve it again, then sign in.");
  };

  const submit = async (token = captchaToken) => {
    const email = emailField.current?.value.trim();
    const password = passwordField.current?.value;
    if (!email || !password) {
      setProblem("Fill in your email and your password.");
      return;
    }
    if (challenge !== null && token === null) {
      setProblem("Solve the challenge first.");
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      const answer = await signIn("credentials", {
        email,
        password,
        ...(totp === null ? {} : { totp: totp.trim() }),
        ...(token === null ? {} : { captchaToken: token }),
        redirect: false,
      });
      if (answer?.ok) {
        router.replace(to);
        router.refresh();
        return;
      }
      setRound((before) => before + 1);
      setCaptchaToken(null);
      if (answer?.error?.startsWith(CAPTCHA)) {
        askForChallenge(answer.error.slice(CAPTCHA.length), token);
        setBusy(false);
        return;
      }
      if (answer?.error === SECOND_FACTOR) {
        setTotp("");
        setProblem(totp === null ? null : "The code is wrong, or was used already. Wait for the next one.");
        setBusy(false);
        return;
      }
      // Other messages are the server's own: too many tries, an account that was switched off.
      setProblem(answer?.error && answer.error !== "CredentialsSignin" ? answer.error : WRONG);
    } catch {
      setProblem(DOWN);
    }
    setBusy(false);
  };

  return (
    <form
      noValidate
      // Never as the page's address: nothing is sent before the page is alive, and no password is put in a URL.
      method="post"
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {notice && !problem && (
        <p role="status" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
          {notice}
        </p>
      )}
      {problem && (
        <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger">
          {problem}
        </p>
      )}
      <div>
        <label htmlFor="email" className="mb-1 block font-medium">
          Email
        </label>
        <Input id="email" name="email" type="email" autoComplete="username" autoFocus ref={emailField} />
      </div>
      <div>
        <label htmlFor="password" className="mb-1 block font-medium">
          Password
        </label>
        <div className="relative">
          <Input
            id="password"
            name="password"
            type={shown ? "text" : "password"}
            autoComplete="current-password"
            ref={passwordField}
            className="pr-9"
          />
          <button
            type="button"
            aria-label={shown ? "Hide the password" : "Show the password"}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
            className="absolute inset-y-0 right-1 my-auto grid size-7 place-items-center rounded-sm text-faint hover:text-ink"
          >
            {shown ? <EyeOff aria-hidden className="size-4" /> : <Eye aria-hidden className="size-4" />}
          </button>
        </div>
      </div>
      {totp !== null && (
        <div>
          <label htmlFor="totp" className="mb-1 block font-medium">
            Code of your authenticator app, or a recovery code
          </label>
          <Input
            id="totp"
            name="totp"
            autoComplete="one-time-code"
            autoFocus
            value={totp}
            onChange={(event) => setTotp(event.target.value)}
          />
        </div>
      )}
      {challenge !== null && <CaptchaWidget key={round} challenge={challenge} onToken={onToken} />}
      <Button type="submit" variant="primary" disabled={busy || !hydrated} className="h-8! w-full justify-center">
        {busy ? "Signing in…" : "Sign in"}
      </Button>
      {demo && (
        <div className="border-t pt-4">
          <p className="mb-2 text-muted text-xs">Demo: choose who to sign in as. It fills in the form.</p>
          <ul className="space-y-1">
            {DEMO_ACCOUNTS.map((account) => (
              <li key={account.email}>
                <button
                  type="button"
                  onClick={() => {
                    if (emailField.current) emailField.current.value = account.email;
                    if (passwordField.current) passwordField.current.value = account.password;
                    setProblem(null);
                  }}
                  className="flex min-h-8 w-full items-center gap-2 rounded-md border border-line-strong bg-surface px-2.5 text-left hover:bg-hover pointer-coarse:min-h-11"
                >
                  <span className="flex-1">{account.who}</span>
                  <span className="font-mono text-faint text-xs">{account.email}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </form>
  );
}
