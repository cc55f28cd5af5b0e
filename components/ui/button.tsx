import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cx } from "./class-names.ts";

const VARIANTS = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  secondary: "bg-surface text-ink border-line-strong hover:bg-hover",
  ghost: "bg-transparent text-muted border-transparent hover:bg-hover hover:text-ink",
  danger: "bg-surface text-danger border-line-strong hover:bg-danger-soft",
  "danger-solid": "bg-danger-solid text-on-accent border-transparent hover:opacity-90",
} as const;

const SIZES = {
  md: "h-7 px-2.5 gap-1.5 pointer-coarse:h-10 pointer-coarse:px-3.5",
  icon: "size-7 justify-center pointer-coarse:size-10",
} as const;

interface ButtonProps extends ComponentProps<"button"> {
  readonly variant?: keyof typeof VARIANTS;
  readonly size?: keyof typeof SIZES;
  /** Renders its child (a link) with the button's look. */
  readonly asChild?: boolean;
}

export function Button({ variant = "secondary", size = "md", asChild, className, type, ...props }: ButtonProps) {
  const Element = asChild ? Slot.Root : "button";
  return (
    <Element
      type={asChild ? undefined : (type ?? "button")}
      className={cx(
        "inline-flex shrink-0 select-none items-center whitespace-nowrap rounded-md border font-medium text-sm",
        "transition-colors duration-100 disabled:cursor-not-allowed disabled:opacity-50 [&_svg]:size-3.5 [&_svg]:shrink-0",
        VARIANTS[variant],
        SIZES[size],
        className,
      )}
      {...props}
    />
  );
}
