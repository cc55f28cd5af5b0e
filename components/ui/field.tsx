import { type ReactNode, useId } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** Draws the control under the id that the label names. */
  readonly children: (id: string) => ReactNode;
}

/** A control of a form under its label. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      {children(id)}
      {hint && <p className="mt-1 text-faint text-xs">{hint}</p>}
    </div>
  );
}
