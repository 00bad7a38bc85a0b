#include "base/clock/cron.hpp"

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace consort {

namespace {

constexpr Seconds minute = 60;
constexpr Seconds hour = 3600;
constexpr Seconds day = 24 * hour;
// No time zone has ever shifted by more than this (Samoa skipped a whole day).
constexpr Seconds largest_change = 26 * hour;
// 29 February falls on any given day of the week at least once in 40 years, in any century.
constexpr Seconds longest_search_days = 366 * 41;

Error bad(std::string_view text, std::string why) {
  return Error(Code::invalid, "invalid cron expression \"" + std::string(text) + "\"")
      .why(std::move(why))
      .hint("five fields: minute hour day-of-month month day-of-week, for example `30 2 * * 1-5`");
}

struct FieldRule {
  std::string_view name;
  unsigned least;
  unsigned most;
};
constexpr std::array<FieldRule, 5> rules{
    {{"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"day of the week", 0, 7}}};

struct Parsed {
  std::bitset<64> values;
  bool any = false;  // begins with "*": for the two day fields, only the other one counts then
};

std::optional<unsigned> small_number(std::string_view text) {
  const auto value = text.size() <= 3 ? parse_unsigned(text) : std::nullopt;
  return value ? std::optional(static_cast<unsigned>(*value)) : std::nullopt;
}

// Parses one element of a list: "*", "5", "1-5", each optionally with "/step".
std::optional<std::string> add_part(std::string_view part, const FieldRule& rule, Parsed& into) {
  const std::size_t slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto given = small_number(part.substr(slash + 1));
    if (!given || *given == 0) return "the step of \"" + std::string(part) + "\" must be a number from 1 on";
    step = *given;
  }
  unsigned first = rule.least;
  unsigned last = rule.most;
  if (range == "*") {
    into.any = true;
  } else {
    const std::size_t dash = range.find('-');
    const auto from = small_number(range.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : small_number(range.substr(dash + 1));
    if (!from || !to)
      return "the " + std::string(rule.name) + " \"" + std::string(part) + "\" is no number, range or list of them";
    if (slash != std::string_view::npos && dash == std::string_view::npos)
      return "a step needs a range: \"" + std::string(range) + "-" + std::to_string(rule.most) + "/" +
             std::to_string(step) + "\"";
    first = *from;
    last = *to;
    if (first < rule.least || last > rule.most)
      return "the " + std::string(rule.name) + " goes from " + std::to_string(rule.least) + " to " +
             std::to_string(rule.most) + ", not " + std::string(part);
    if (first > last) return "the range \"" + std::string(range) + "\" ends before it begins";
  }
  for (unsigned value = first; value <= last; value += step) into.values.set(value);
  return std::nullopt;
}

template <std::size_t size>
void copy_bits(const std::bitset<64>& from, std::bitset<size>& to) {
  for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
}

// "*" if all values from the lowest one up are set.
template <std::size_t size>
std::string listed(const std::bitset<size>& values, std::size_t least) {
  if (values.count() == size - least) return "*";
  std::string made;
  for (std::size_t i = least; i < size; ++i)
    if (values[i]) made += (made.empty() ? "" : ",") + std::string(i < 10 ? "0" : "") + std::to_string(i);
  return made;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  const std::vector<std::string> fields = split(text, ' ');
  if (text.starts_with('@')) return fail(bad(text, "names such as @daily are not supported"));
  if (std::ranges::any_of(fields, [](const std::string& each) { return each.empty(); }))
    return fail(bad(text, "fields are separated by single spaces"));
  if (fields.size() != rules.size())
    return fail(bad(text, "it has " + std::to_string(fields.size()) + " fields instead of five"));
  std::array<Parsed, 5> parsed;
  for (std::size_t i = 0; i < rules.size(); ++i)
    for (const std::string& part : split(fields[i], ','))
      if (auto why = add_part(part, rules[i], parsed[i])) return fail(bad(text, std::move(*why)));
  Cron cron;
  copy_bits(parsed[0].values, cron.minutes_);
  copy_bits(parsed[1].values, cron.hours_);
  copy_bits(parsed[2].values, cron.days_);
  copy_bits(parsed[3].values, cron.months_);
  if (parsed[4].values[7]) parsed[4].values.set(0);
  copy_bits(parsed[4].values, cron.week_days_);
  cron.any_day_ = parsed[2].any;
  cron.any_week_day_ = parsed[4].any;
  if (!cron.next_local(0)) return fail(bad(text, "this date never occurs"));
  return cron;
}

bool Cron::day_fits(Seconds days) const {
  const Date date = date_of_days(days);
  if (!months_[static_cast<std::size_t>(date.month)]) return false;
  const bool of_month = days_[static_cast<std::size_t>(date.day)];
  const bool of_week = week_days_[static_cast<std::size_t>(week_day(days))];
  return any_day_ || any_week_day_ ? of_month && of_week : of_month || of_week;
}

std::optional<Seconds> Cron::next_local(Seconds local) const {
  const Seconds begin = local / minute * minute + (local % minute < 0 ? 0 : minute);
  Seconds days = begin / day - (begin % day < 0 ? 1 : 0);
  for (const Seconds last = days + longest_search_days; days <= last; ++days) {
    if (!day_fits(days)) continue;
    for (Seconds h = std::max<Seconds>(0, (begin - days * day) / hour); h < 24; ++h) {
      if (!hours_[static_cast<std::size_t>(h)]) continue;
      for (Seconds m = 0; m < 60; ++m) {
        const Seconds found = days * day + h * hour + m * minute;
        if (minutes_[static_cast<std::size_t>(m)] && found >= begin) return found;
      }
    }
  }
  return std::nullopt;
}

std::optional<Seconds> Cron::next(Seconds instant, const TimeZone& zone) const {
  const auto plain = next_local(zone.local(instant));
  if (!plain) return std::nullopt;
  // If the clocks do not change around that time, this is the answer.
  if (const Seconds found = zone.instants(*plain).first;
      !zone.changes_within(instant - largest_change, found + largest_change))
    return found;
  std::optional<Seconds> best;
  std::optional<Seconds> local = next_local(zone.local(instant) - largest_change - 1);
  while (local && (!best || *local <= zone.local(*best) + largest_change)) {
    const TimeZone::Instants at = zone.instants(*local);
    const auto offer = [&](Seconds candidate) {
      if (candidate > instant && (!best || candidate < *best)) best = candidate;
    };
    offer(at.first);
    if (at.second && hours_.all()) offer(*at.second);
    local = next_local(*local);
  }
  return best;
}

std::vector<std::string> Cron::calendars() const {
  constexpr std::array<std::string_view, 7> names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  std::string days_of_week;
  for (std::size_t i = 0; i < names.size() && !week_days_.all(); ++i)
    if (week_days_[i]) days_of_week += (days_of_week.empty() ? "" : ",") + std::string(names[i]);
  if (!days_of_week.empty()) days_of_week += ' ';
  const auto line = [&](const std::string& of_week, const std::string& of_month) {
    return of_week + "*-" + listed(months_, 1) + "-" + of_month + " " + listed(hours_, 0) + ":" + listed(minutes_, 0) +
           ":00";
  };
  if (any_day_ || any_week_day_) return {line(days_of_week, listed(days_, 1))};
  return {line("", listed(days_, 1)), line(days_of_week, "*")};
}

}  // namespace consort
