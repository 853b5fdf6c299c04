/** The times that FAT can hold, in seconds since 1970: 1980-01-01T00:00:00Z to 2107-12-31T23:59:58Z. */
export const FAT_SECONDS_MIN = 315_532_800;
export const FAT_SECONDS_MAX = 4_354_819_198;

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_ERA = 146_097;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_468;

/** A time as directory entries hold it: two numbers of 16 bits. */
export interface FatTime {
  readonly date: number;
  readonly time: number;
}

/** The time of whole `seconds` since 1970 in UTC, rounded down to 2 s, as near as FAT comes. Microsoft FAT Specification, 6.3. */
export function fatTime(seconds: number): FatTime {
  const clamped = Math.min(Math.max(seconds, FAT_SECONDS_MIN), FAT_SECONDS_MAX);
  const days = Math.floor(clamped / SECONDS_PER_DAY);
  const second = clamped - days * SECONDS_PER_DAY;
  const { year, month, day } = civilDate(days);
  return {
    date: ((year - 1980) << 9) | (month << 5) | day,
    time: (Math.floor(second / 3600) << 11) | (Math.floor((second % 3600) / 60) << 5) | Math.floor((second % 60) / 2),
  };
}

/** The Gregorian date of a day since 1970; years are counted from March, so that the leap day is a year's last. */
function civilDate(daysSince1970: number): { year: number; month: number; day: number } {
  const days = daysSince1970 + DAYS_TO_1970;
  const era = Math.floor(days / DAYS_PER_ERA);
  const dayOfEra = days - era * DAYS_PER_ERA;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}

/** What `fatTime` makes of a time, in seconds since 1970; a month or a day of 0, which no date has, count as 1. */
export function secondsOf({ date, time }: FatTime): number {
  const year = 1980 + (date >> 9);
  const month = Math.min(Math.max((date >> 5) & 0xf, 1), 12);
  const day = Math.max(date & 0x1f, 1);
  const seconds = (time >> 11) * 3600 + ((time >> 5) & 0x3f) * 60 + (time & 0x1f) * 2;
  return daysOf(year, month, day) * SECONDS_PER_DAY + seconds;
}

/** The day since 1970 of a Gregorian date from 1980 on. */
function daysOf(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const marchMonth = month <= 2 ? month + 9 : month - 3;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return 365 * marchYear + leapDays + Math.floor((153 * marchMonth + 2) / 5) + day - 1 - DAYS_TO_1970;
}
