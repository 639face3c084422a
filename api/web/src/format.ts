// Numbers and times as the page's language writes them. No data is a dash, never a zero. Units are the catalogue's; they stand
// on the page's root (layout.html), as api/figures_in_words.py has them.
export const NO_DATA = "—";

export class Format {
  readonly #integer: Intl.NumberFormat;
  readonly #short: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #tenths: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #hour: Intl.DateTimeFormat;
  readonly #dayHour: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #month: Intl.DateTimeFormat;
  readonly #decimal: Intl.NumberFormat;
  readonly #change: Intl.NumberFormat;
  readonly #points: Intl.NumberFormat;
  readonly #round: Intl.NumberFormat;
  readonly #day: Intl.DateTimeFormat;

  /** `timeZone` is the campaign's: its reports are read in it. */
  constructor(language: string, timeZone: string) {
    const locale = language === "en" ? "en-GB" : language;
    this.#integer = new Intl.NumberFormat(locale);
    this.#short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.#tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.#time = new Intl.DateTimeFormat(locale, { timeStyle: "medium", timeZone });
    this.#hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone });
    this.#dayHour = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone });
    // a date of a report is a day of the calendar already
    this.#date = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
    this.#month = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" });
    this.#decimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const signed: Intl.NumberFormatOptions = { signDisplay: "exceptZero", minimumFractionDigits: 1, maximumFractionDigits: 1 };
    this.#change = new Intl.NumberFormat(locale, { ...signed, style: "percent" });
    this.#points = new Intl.NumberFormat(locale, signed);
    this.#round = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    this.#day = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone }); // as ISO 8601
  }

  integer(value: number | null): string {
    return value === null ? NO_DATA : this.#integer.format(value);
  }

  /** At most one digit after the point. */
  short(value: number | null): string {
    return value === null ? NO_DATA : this.#short.format(value);
  }

  percent(value: number | null): string {
    return value === null ? NO_DATA : narrow(this.#percent.format(value));
  }

  /** For an axis, whose figures are round: 5%, 2.5%. */
  roundPercent(value: number): string {
    return narrow(this.#round.format(value));
  }

  /** Below a minute with its unit, above it as a clock: 5.3 s, 12:05, 1:02:03. */
  duration(seconds: number | null): string {
    if (seconds === null) return NO_DATA;
    if (seconds < 60) return this.#unit("seconds", this.#tenths.format(seconds));
    const whole = Math.round(seconds);
    const two = (value: number): string => String(value).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  }

  milliseconds(value: number | null): string {
    if (value === null) return NO_DATA;
    return value < 1000
      ? this.#unit("milliseconds", this.#integer.format(Math.round(value)))
      : this.#unit("seconds", this.#tenths.format(value / 1000));
  }

  #unit(name: string, value: string): string {
    return fill(document.documentElement.dataset[name] ?? "{value}", { value });
  }

  time(at: string | number): string {
    return this.#time.format(new Date(at));
  }

  hour(at: string): string {
    return this.#hour.format(new Date(at));
  }

  dayHour(at: string): string {
    return this.#dayHour.format(new Date(at));
  }

  date(day: string): string {
    return this.#date.format(new Date(day));
  }

  /** The day of an instant, as the API writes days: 2026-11-26. */
  day(at: string): string {
    return this.#day.format(new Date(at));
  }

  month(day: string): string {
    return this.#month.format(new Date(day));
  }

  decimal(value: number | null): string {
    return value === null ? NO_DATA : this.#decimal.format(value);
  }

  /** +12.5%: what changed, as a part of what it was. */
  change(value: number | null): string {
    return value === null ? NO_DATA : narrow(this.#change.format(value));
  }

  /** +3.2: a difference of two shares, in percentage points. */
  points(value: number): string {
    return this.#points.format(value * 100);
  }
}

/** The space before a percent sign is a narrow one that does not break, where the language has one. */
function narrow(words: string): string {
  return words.replace("\u00a0%", "\u202f%");
}

/** Put values into a text of the catalogue: fill("{a} of {b}", {a: "1", b: "2"}). */
export function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
