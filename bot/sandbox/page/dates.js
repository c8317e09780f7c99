// Times as people read them, in the reader's own zone.

const LOCALE = navigator.language || "en";
const DAY = 86_400_000;

function format(date, options) {
  return new Intl.DateTimeFormat(LOCALE, options).format(date);
}

export function clockTime(date) {
  return format(date, { hour: "2-digit", minute: "2-digit" });
}

export function longTime(date) {
  return format(date, { dateStyle: "full", timeStyle: "medium" });
}

export function shortMoment(date) {
  return format(date, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** The moment of a Slack timestamp such as `1700000000.000100`. */
export function momentOf(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

function dayNumber(date) {
  return Math.floor((date.getTime() - date.getTimezoneOffset() * 60_000) / DAY);
}

/** The heading of a day in a channel. */
export function dayName(date, now) {
  return pretty(date, now) ?? format(date, { weekday: "long", day: "numeric", month: "long" });
}

function pretty(date, now) {
  const days = dayNumber(date) - dayNumber(now);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[days];
}

function ago(date, now) {
  const seconds = (date.getTime() - now.getTime()) / 1000;
  const steps = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

const WORDS = {
  date_num: (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
  date: (date) => format(date, { day: "numeric", month: "long", year: "numeric" }),
  date_short: (date) => format(date, { day: "numeric", month: "short", year: "numeric" }),
  date_long: (date) => format(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  time: (date) => clockTime(date),
  time_secs: (date) => format(date, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  ago: (date, now) => ago(date, now),
};

function two(number) {
  return String(number).padStart(2, "0");
}

/** Fills Slack's date tokens (`{date_short_pretty} {time}`) for a Unix time in seconds. */
export function slackDate(seconds, pattern, now) {
  const date = new Date(seconds * 1000);
  return pattern.replace(/\{(\w+)\}/g, (whole, token) => {
    const plain = token.replace(/_pretty$/, "");
    const near = plain === token ? undefined : pretty(date, now);
    return near ?? WORDS[plain]?.(date, now) ?? whole;
  });
}
