"use client";

import { Room } from "#components/ui/room.tsx";
import { PasswordSection } from "./password-section.tsx";
import { SecondFactorSection } from "./second-factor-section.tsx";
import { SessionsSection } from "./sessions-section.tsx";

/** One's own account: where one is signed in, the password, the second factor. */
export function AccountRoom() {
  return (
    <Room title="Your account">
      <SessionsSection />
      <PasswordSection />
      <SecondFactorSection />
    </Room>
  );
}
