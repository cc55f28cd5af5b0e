/** The mark of `app/icon.svg`. */
export function BrandMark({ className = "size-6" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={`shrink-0 ${className}`}>
      <rect width="32" height="32" rx="7" fill="#0b7285" />
      <path d="M8 23c0-6 16-6 16-14" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <circle cx="8" cy="23" r="3" fill="#fff" />
      <circle cx="24" cy="9" r="3" fill="#fff" />
    </svg>
  );
}
