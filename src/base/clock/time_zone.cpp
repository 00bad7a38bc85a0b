#include "base/clock/time_zone.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/os/files/file.hpp"

namespace consort {

namespace {

constexpr Seconds day_seconds = 86400;
constexpr std::size_t largest_file = 1 << 20;
constexpr Seconds farthest = Seconds{1} << 40;  // some 35,000 years: sums stay far from overflow
// The last year to which an open-ended rule is expanded.
constexpr std::int64_t last_year = 2199;

Error no_zone_file() {
  return Error(Code::invalid, "read time zone").why("it is not a time zone file");
}

// Big-endian numbers of a TZif file.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool skip(std::size_t bytes) {
    if (bytes > text_.size() - at_) return false;
    at_ += bytes;
    return true;
  }
  std::optional<std::int64_t> number(std::size_t bytes) {
    if (bytes > text_.size() - at_) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(text_[at_ + i]);
    at_ += bytes;
    if (bytes == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
  }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

struct Header {
  char version = 0;
  std::size_t is_utc = 0, is_standard = 0, leaps = 0, times = 0, types = 0, characters = 0;
};

std::optional<Header> read_header(Reader& reader) {
  const std::string_view magic = reader.rest().substr(0, 20);
  if (magic.size() < 20 || !magic.starts_with("TZif") || !reader.skip(20)) return std::nullopt;
  Header header;
  header.version = magic[4];
  for (std::size_t* const count :
       {&header.is_utc, &header.is_standard, &header.leaps, &header.times, &header.types, &header.characters}) {
    const auto value = reader.number(4);
    if (!value || *value < 0 || *value > static_cast<std::int64_t>(largest_file)) return std::nullopt;
    *count = static_cast<std::size_t>(*value);
  }
  return header;
}

std::size_t body_size(const Header& header, std::size_t time_size) {
  return header.times * time_size + header.times + header.types * 6 + header.characters +
         header.leaps * (time_size + 4) + header.is_standard + header.is_utc;
}

// Parses a POSIX TZ rule: "CET-1CEST,M3.5.0,M10.5.0/3".
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}
  bool ended() const { return at_ == text_.size(); }
  bool take(char c) {
    if (ended() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Skips the zone's abbreviation, which is not used here.
  bool skip_name() {
    const std::size_t begin = at_;
    if (take('<')) {
      while (!ended() && text_[at_] != '>') ++at_;
      return take('>');
    }
    while (!ended() && ((text_[at_] | 0x20) >= 'a' && (text_[at_] | 0x20) <= 'z')) ++at_;
    return at_ - begin >= 3;
  }
  std::optional<int> number() {
    const std::size_t begin = at_;
    int value = 0;
    while (!ended() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 4)
      value = value * 10 + text_[at_++] - '0';
    return at_ == begin ? std::nullopt : std::optional(value);
  }
  // [+-]hh[:mm[:ss]]
  std::optional<Seconds> time() {
    const Seconds sign = take('-') ? -1 : 1;
    if (sign > 0) (void)take('+');
    Seconds total = 0;
    Seconds unit = 3600;
    for (bool more = true; more && unit > 0; more = take(':'), unit /= 60) {
      const auto part = number();
      if (!part) return std::nullopt;
      total += *part * unit;
    }
    return sign * total;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_leap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

// A day of each year, and the time on it in seconds after midnight.
struct YearDay {
  enum class Form : std::uint8_t { month_week_day, day_without_leap, day } form = Form::day;
  int month = 0, week = 0, day = 0;
  Seconds time = 7200;

  Seconds local_in(std::int64_t year) const {
    if (form == Form::day) return (days_of_date(year, 1, 1) + day) * day_seconds + time;
    if (form == Form::day_without_leap)
      return (days_of_date(year, 1, 1) + day - 1 + (is_leap(year) && day >= 60 ? 1 : 0)) * day_seconds + time;
    const Seconds first = days_of_date(year, month, 1);
    Seconds found = first + (day - week_day(first) + 7) % 7 + (week - 1) * 7;
    const Seconds next_month = month == 12 ? days_of_date(year + 1, 1, 1) : days_of_date(year, month + 1, 1);
    while (found >= next_month) found -= 7;  // the fifth week is the last one
    return found * day_seconds + time;
  }
};

std::optional<YearDay> read_day(RuleReader& reader) {
  YearDay day;
  if (!reader.take(',')) return std::nullopt;
  if (reader.take('M')) {
    const auto month = reader.number();
    const auto week = reader.take('.') ? reader.number() : std::nullopt;
    const auto of_week = reader.take('.') ? reader.number() : std::nullopt;
    if (!month || !week || !of_week || *month < 1 || *month > 12 || *week < 1 || *week > 5 || *of_week > 6)
      return std::nullopt;
    day.form = YearDay::Form::month_week_day;
    day.month = *month;
    day.week = *week;
    day.day = *of_week;
  } else {
    if (reader.take('J')) day.form = YearDay::Form::day_without_leap;
    const auto number = reader.number();
    if (!number || *number > 365) return std::nullopt;
    day.day = *number;
  }
  if (reader.take('/')) {
    const auto time = reader.time();
    if (!time) return std::nullopt;
    day.time = *time;
  }
  return day;
}

}  // namespace

Seconds days_of_date(std::int64_t year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  return std::chrono::sys_days(date).time_since_epoch().count();
}

Date date_of_days(Seconds days) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

int week_day(Seconds days) {
  return static_cast<int>(((days % 7) + 11) % 7);  // 1970 began on a Thursday
}

// The rule that applies forever after the file's last change.
void TimeZone::add_rule(std::string_view rule) {
  RuleReader reader(rule);
  if (!reader.skip_name()) return;
  const auto standard = reader.time();  // positive means west of Greenwich
  if (!standard) return;
  const Seconds begin = changes_.empty() ? 0 : changes_.back().at;
  const auto settle = [&] {
    if (changes_.empty()) first_offset_ = -*standard;
  };
  if (reader.ended() || !reader.skip_name()) return settle();
  Seconds summer = -*standard + 3600;
  if (!reader.ended() && rule.find(',') != std::string_view::npos) {
    RuleReader ahead = reader;
    if (!ahead.take(',')) {
      const auto given = reader.time();
      if (!given) return settle();
      summer = -*given;
    }
  }
  const auto to_summer = read_day(reader);
  const auto to_winter = to_summer ? read_day(reader) : std::nullopt;
  if (!to_winter) return settle();
  settle();
  const std::int64_t first_year = date_of_days(begin / day_seconds).year;
  for (std::int64_t year = std::max<std::int64_t>(first_year, 1970); year <= last_year; ++year) {
    std::array<Change, 2> both{Change{to_summer->local_in(year) + *standard, summer},
                               Change{to_winter->local_in(year) - summer, -*standard}};
    if (both[1].at < both[0].at) std::swap(both[0], both[1]);
    for (const Change& each : both)
      if (changes_.empty() || each.at > changes_.back().at) changes_.push_back(each);
  }
}

Result<TimeZone> TimeZone::parse(std::string_view tzif) {
  Reader reader(tzif);
  auto header = read_header(reader);
  if (!header) return fail(no_zone_file());
  std::size_t time_size = 4;
  if (header->version >= '2') {  // from version 2 on, a second block repeats the data with 64-bit times
    if (!reader.skip(body_size(*header, 4))) return fail(no_zone_file());
    header = read_header(reader);
    if (!header) return fail(no_zone_file());
    time_size = 8;
  }
  std::vector<Seconds> times(header->times);
  for (Seconds& time : times) {
    const auto value = reader.number(time_size);
    if (!value) return fail(no_zone_file());
    time = std::clamp(*value, -farthest, farthest);
  }
  const std::string_view types = reader.rest().substr(0, header->times);
  if (types.size() != header->times || !reader.skip(types.size()) || header->types == 0) return fail(no_zone_file());
  std::vector<Seconds> offsets(header->types);
  for (Seconds& offset : offsets) {
    const auto value = reader.number(4);
    if (!value || *value < -2 * day_seconds || *value > 2 * day_seconds || !reader.skip(2)) return fail(no_zone_file());
    offset = *value;
  }
  TimeZone zone;
  zone.first_offset_ = offsets[0];
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto type = static_cast<unsigned char>(types[i]);
    if (type >= offsets.size() || (i > 0 && times[i] < times[i - 1])) return fail(no_zone_file());
    zone.changes_.push_back({times[i], offsets[type]});
  }
  if (!reader.skip(body_size(*header, time_size) - header->times * (time_size + 1) - header->types * 6))
    return fail(no_zone_file());
  std::string_view rule = reader.rest();
  if (rule.starts_with('\n')) zone.add_rule(rule.substr(1, rule.find('\n', 1) - 1));
  return zone;
}

Result<TimeZone> TimeZone::load(const std::string& name, const std::string& directory) {
  if (name.empty() || name == "UTC") return TimeZone();
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '+' || c == '/';
  };
  const auto unknown = [&] {
    return Error(Code::not_found, "unknown time zone " + name)
        .hint(path_exists(directory + "/Europe")
                  ? "use an IANA name, as listed by `ls " + directory + "`: Europe/Berlin"
                  : "this machine has no time zone data: apt-get install tzdata");
  };
  if (!std::ranges::all_of(name, fits) || name.starts_with('/')) return fail(unknown());
  const auto text = read_file(directory + "/" + name, largest_file);
  auto zone = text ? parse(*text) : Result<TimeZone>(fail(no_zone_file()));
  if (!zone) return fail(unknown());
  return zone;
}

Seconds TimeZone::offset(Seconds instant) const {
  const auto after = std::ranges::upper_bound(changes_, instant, {}, &Change::at);
  return after == changes_.begin() ? first_offset_ : std::prev(after)->offset;
}

bool TimeZone::changes_within(Seconds from, Seconds to) const {
  const auto after = std::ranges::upper_bound(changes_, from, {}, &Change::at);
  return after != changes_.end() && after->at <= to;
}

TimeZone::Instants TimeZone::instants(Seconds local) const {
  // No offset is larger than two days, and clocks change at most twice in that time.
  const Seconds early = offset(local - 2 * day_seconds);
  auto at = std::ranges::upper_bound(changes_, local - 2 * day_seconds, {}, &Change::at);
  std::optional<Seconds> first;
  std::optional<Seconds> second;
  Seconds current = early;
  Seconds begin = local - 4 * day_seconds;
  Seconds left_out = local - early;
  while (true) {
    const Seconds end = at == changes_.end() ? local + 4 * day_seconds : at->at;
    const Seconds candidate = local - current;
    if (candidate >= begin && candidate < end) {
      if (!first) {
        first = candidate;
      } else if (candidate != *first) {
        second = candidate;
      }
    }
    if (at == changes_.end() || end > local + 2 * day_seconds) break;
    if (!first && candidate >= end) left_out = candidate;  // the time as the old offset would have shown it
    begin = end;
    current = at->offset;
    ++at;
  }
  return {first.value_or(left_out), second};
}

}  // namespace consort
