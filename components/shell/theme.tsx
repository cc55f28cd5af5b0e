"use client";

import { setNonce } from "get-nonce";
import { ThemeProvider as NextThemeProvider, useTheme } from "next-themes";
import type { ReactNode } from "react";

interface ThemeProviderProps {
  /** This load's, which every script and style element must carry. */
  readonly nonce: string;
  readonly children: ReactNode;
}

export function ThemeProvider({ nonce, children }: ThemeProviderProps) {
  // Read by the dialogs' and menus' library when it locks the page's scrolling with a style element.
  setNonce(nonce);
  return (
    <NextThemeProvider nonce={nonce} attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange>
      {children}
    </NextThemeProvider>
  );
}

export const THEMES = [
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
  { value: "system", label: "Same as the system" },
] as const;

export { useTheme };
