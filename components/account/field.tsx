import { type ComponentProps, useId } from "react";
import { Input } from "#components/ui/input.tsx";

interface FieldProps extends Omit<ComponentProps<"input">, "value" | "onChange"> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly problem?: string | undefined;
  readonly hint?: string;
}

/** A labelled password field (or another `type`), with what is wrong with it. */
export function Field({ label, value, onChange, problem, hint, type = "password", ...props }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <Input
        id={id}
        type={type}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? `${id}-hint` : undefined}
        {...props}
      />
      {(problem || hint) && (
        <p id={`${id}-hint`} className={problem ? "mt-1 text-danger text-xs" : "mt-1 text-faint text-xs"}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}
