import type { ComponentProps } from "react";
import { cx } from "./class-names.ts";
import { FIELD } from "./input.tsx";

/** The platform's own list: one of a few, in a form. */
export function Select({ className, ...props }: ComponentProps<"select">) {
  return <select className={cx(FIELD, "h-8 pointer-coarse:h-10", className)} {...props} />;
}
