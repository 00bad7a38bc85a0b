#include "supervisor/log/ship/message.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "base/json.hpp"

namespace consort::supervisor {

namespace {

constexpr int severity_error = 3, severity_info = 6;
constexpr std::int64_t nanoseconds = 1'000'000'000;
constexpr std::size_t chunk_bytes = 1420, most_chunks = 128;  // as in Docker's GELF client

int severity(const LogLine& line) {
  return line.stream == LogStream::err ? severity_error : severity_info;
}

bool is_stream(const ShipUnit& unit) {
  return unit.network == "tcp" || unit.network == "unix";
}

// "Nov 29 22:00:00", in this machine's time zone.
std::string syslog_time(SystemTime time) {
  const std::time_t seconds = static_cast<std::time_t>(time.time_since_epoch().count() / nanoseconds);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%b %e %H:%M:%S", &parts)};
}

// "2026-11-29T22:00:00Z", with six decimals for rfc5424micro.
std::string internet_time(SystemTime time, bool micro) {
  std::string text = format_rfc3339_seconds(time);
  text.pop_back();  // removes the "Z"
  if (micro) {
    std::array<char, 16> digits;
    const auto rest = static_cast<int>(time.time_since_epoch().count() % nanoseconds / 1000);
    text += std::string_view(digits.data(),
                             static_cast<std::size_t>(std::snprintf(digits.data(), digits.size(), ".%06d", rest)));
  }
  return text + "Z";
}

std::string syslog_message(const ShipUnit& unit, const MessageOrigin& origin, const LogLine& line) {
  const std::string priority = "<" + std::to_string(unit.facility * 8 + severity(line)) + ">";
  const std::string text(line.text);
  const std::string pid = std::to_string(origin.pid);
  std::string message;
  if (unit.format == "rfc5424" || unit.format == "rfc5424micro") {
    message = priority + "1 " + internet_time(line.time, unit.format == "rfc5424micro") + " " + origin.host + " " +
              unit.tag + " " + pid + " " + unit.tag + " - " + text;
  } else if (unit.format == "rfc3164") {
    message = priority + syslog_time(line.time) + " " + origin.host + " " + unit.tag + "[" + pid + "]: " + text;
  } else if (unit.network == "unixgram" || unit.network == "unix") {
    message = priority + syslog_time(line.time) + " " + unit.tag + "[" + pid + "]: " + text;
  } else {
    message =
        priority + internet_time(line.time, false) + " " + origin.host + " " + unit.tag + "[" + pid + "]: " + text;
  }
  return message + "\n";
}

// A value with a newline is preceded by its length.
void add_journal_field(std::string& message, const std::string& name, std::string_view value) {
  message += name;
  if (value.find('\n') == std::string_view::npos) {
    message.append("=").append(value).append("\n");
    return;
  }
  message += '\n';
  for (std::uint64_t i = 0, size = value.size(); i < 8; ++i) message += static_cast<char>(size >> (8 * i) & 255);
  message.append(value).append("\n");
}

std::string journal_message(const ShipUnit& unit, const LogLine& line) {
  std::string message;
  add_journal_field(message, "MESSAGE", line.text);
  add_journal_field(message, "PRIORITY", std::to_string(severity(line)));
  add_journal_field(message, "SYSLOG_IDENTIFIER", unit.tag);
  add_journal_field(message, "SYSLOG_TIMESTAMP", internet_time(line.time, true));
  for (const auto& [name, value] : unit.fields) add_journal_field(message, name, value);
  if (!line.complete) add_journal_field(message, "CONTAINER_PARTIAL_MESSAGE", "true");
  return message;
}

std::string gelf_message(const ShipUnit& unit, const MessageOrigin& origin, const LogLine& line) {
  const double seconds = static_cast<double>(line.time.time_since_epoch().count() / 1'000'000) / 1000;
  Json json{{"version", "1.1"},
            {"host", origin.host},
            {"short_message", line.text},
            {"timestamp", seconds},
            {"level", severity(line)}};
  for (const auto& [name, value] : unit.fields) json["_" + name] = value;
  std::string message = dump_json(json);
  if (is_stream(unit)) message += '\0';
  return message;
}

// MessagePack, as far as Fluentd's forward protocol needs it: [tag, time, {key: value}].
void add_packed_length(std::string& message, std::size_t length, unsigned char small, std::size_t small_limit,
                       unsigned char wide) {
  if (length < small_limit) {
    message += static_cast<char>(small | length);
    return;
  }
  message += static_cast<char>(wide);  // followed by a length of 32 bits
  for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(length >> shift & 255);
}
void add_packed(std::string& message, std::string_view text) {
  add_packed_length(message, text.size(), 0xa0, 32, 0xdb);
  message += text;
}

std::string fluentd_message(const ShipUnit& unit, const LogLine& line) {
  std::string message = "\x93";
  add_packed(message, unit.tag);
  const std::int64_t nanos = line.time.time_since_epoch().count();
  if (unit.sub_second) {  // EventTime: seconds and nanoseconds in an extension of type 0
    message.append("\xd7\0", 2);
    for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(nanos / nanoseconds >> shift & 255);
    for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(nanos % nanoseconds >> shift & 255);
  } else {
    message += static_cast<char>(0xd3);
    for (int shift = 56; shift >= 0; shift -= 8) message += static_cast<char>(nanos / nanoseconds >> shift & 255);
  }
  add_packed_length(message, unit.fields.size() + 2 + (line.complete ? 0 : 1), 0x80, 16, 0xdf);
  for (const auto& [name, value] : unit.fields) {
    add_packed(message, name);
    add_packed(message, value);
  }
  add_packed(message, "source");
  add_packed(message, line.stream == LogStream::err ? "stderr" : "stdout");
  add_packed(message, "log");
  add_packed(message, line.text);
  if (!line.complete) {
    add_packed(message, "partial_message");
    add_packed(message, "true");
  }
  return message;
}

}  // namespace

std::string ship_message(const ShipUnit& unit, const MessageOrigin& origin, const LogLine& line) {
  if (unit.driver == "journald") return journal_message(unit, line);
  if (unit.driver == "gelf") return gelf_message(unit, origin, line);
  if (unit.driver == "fluentd") return fluentd_message(unit, line);
  return syslog_message(unit, origin, line);
}

std::vector<std::string> gelf_datagrams(const std::string& message, std::string_view id) {
  if (message.size() <= chunk_bytes) return {message};
  const std::size_t count = (message.size() + chunk_bytes - 1) / chunk_bytes;
  if (count > most_chunks) return {};
  std::vector<std::string> datagrams;
  for (std::size_t i = 0; i < count; ++i) {
    std::string chunk = "\x1e\x0f";
    chunk += id;
    chunk += static_cast<char>(i);
    chunk += static_cast<char>(count);
    chunk += message.substr(i * chunk_bytes, chunk_bytes);
    datagrams.push_back(std::move(chunk));
  }
  return datagrams;
}

}  // namespace consort::supervisor
