#include "runtime/inspect.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>

#include "base/os/files/file.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"
#include "runtime/launch/steps.hpp"

namespace consort::runtime {

namespace {

std::string proc(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

constexpr std::size_t status_bytes = 65536;

// From /proc/PID/status: "State:\tS (sleeping)". No value contains a newline; those in the name are escaped.
std::string_view field_of(std::string_view status, std::string_view key) {
  const std::string mark = "\n" + std::string(key) + ":\t";
  const std::size_t at = status.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view value = status.substr(at + mark.size());
  return value.substr(0, value.find('\n'));
}

// "SigCgt:\t0000000000004a02"
std::uint64_t mask_of(std::string_view status, std::string_view key) {
  const std::string_view text = field_of(status, key);
  std::uint64_t mask = 0;
  std::from_chars(text.data(), text.data() + text.size(), mask, 16);
  return mask;
}

Error gone(pid_t pid) {
  return Error(Code::not_found, "look at process").on(std::to_string(pid));
}

// The kernel ends the read with ESRCH if the process ends in between.
Result<std::string> read_proc(pid_t pid, std::string_view file, std::size_t limit) {
  Result<std::string> text = read_file(proc(pid, file), limit);
  if (!text && (text.error().sys_errno() == ENOENT || text.error().sys_errno() == ESRCH)) return fail(gone(pid));
  return text;
}

// While a process waits in sigwait, the kernel removes the signals it waits for from its blocked set: only the system
// call itself and its set argument show that. "128 0x7ffd... 0x7ffd... ...": number and arguments.
bool is_waiting_for(pid_t pid, std::uint64_t bit) {
  const auto text = read_proc(pid, "syscall", 4096);
  if (!text) return false;
  const std::vector<std::string> words = split(*text, ' ');
  if (words.size() < 2 || parse_unsigned(words[0]) != std::uint64_t{SYS_rt_sigtimedwait}) return false;
  const std::string_view pointer = words[1];
  std::uint64_t address = 0, set = 0;
  if (!pointer.starts_with("0x")) return false;
  std::from_chars(pointer.data() + 2, pointer.data() + pointer.size(), address, 16);
  const auto memory = open_file(proc(pid, "mem"), O_RDONLY);
  if (!memory) return false;
  const ssize_t got = ::pread(memory->get(), &set, sizeof set, static_cast<off_t>(address));
  return got == ssize_t{sizeof set} && (set & bit) != 0;
}

}  // namespace

Result<SignalDisposition> signal_disposition(pid_t pid, int signal) {
  if (signal < 1 || signal > 64) return fail(Code::invalid, "look at signal", std::to_string(signal));
  // Sent from outside the container's pid namespace, these two work on every process.
  if (signal == SIGKILL || signal == SIGSTOP) return SignalDisposition::handles;
  std::string status = TRY(read_proc(pid, "status", status_bytes));
  const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
  if (mask_of(status, "SigCgt") & bit) return SignalDisposition::handles;
  if (mask_of(status, "SigIgn") & bit) return SignalDisposition::ignores;
  if (mask_of(status, "SigBlk") & bit || is_waiting_for(pid, bit)) return SignalDisposition::blocks;
  // It may have left the call in between.
  status = TRY(read_proc(pid, "status", status_bytes));
  if (mask_of(status, "SigBlk") & bit) return SignalDisposition::blocks;
  return SignalDisposition::by_default;
}

Result<pid_t> parent_of(pid_t pid) {
  const auto stat = stat_fields_of(pid);
  if (!stat) return fail(gone(pid));
  return stat->parent();
}

Result<Activity> activity_of(pid_t pid) {
  const std::string status = TRY(read_proc(pid, "status", status_bytes));
  Activity activity;
  activity.asleep = field_of(status, "State").starts_with('S');
  activity.switches = parse_unsigned(field_of(status, "voluntary_ctxt_switches")).value_or(0);
  return activity;
}

namespace {

constexpr std::string_view listen_state = "0A";

std::optional<std::uint32_t> hex_word(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The kernel prints an address as the machine's words, each in network order in memory: on little-endian machines
// 127.0.0.1 is 0100007F.
std::uint8_t first_byte(std::uint32_t word) {
  std::uint8_t bytes[4];
  __builtin_memcpy(bytes, &word, 4);
  return bytes[0];
}

std::uint8_t last_byte(std::uint32_t word) {
  std::uint8_t bytes[4];
  __builtin_memcpy(bytes, &word, 4);
  return bytes[3];
}

std::optional<ListenScope> scope_of(std::string_view address) {
  constexpr std::uint8_t loopback_network = 127;
  if (address.size() == 8) {
    const auto word = hex_word(address);
    if (!word) return std::nullopt;
    return first_byte(*word) == loopback_network ? ListenScope::loopback : ListenScope::reachable;
  }
  if (address.size() != 32) return std::nullopt;
  std::uint32_t words[4];
  for (std::size_t i = 0; i < 4; ++i) {
    const auto word = hex_word(address.substr(8 * i, 8));
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  const bool high_zero = words[0] == 0 && words[1] == 0;
  const bool is_one = high_zero && words[2] == 0 && first_byte(words[3]) == 0 && last_byte(words[3]) == 1;
  std::uint8_t mapped_prefix[4];
  __builtin_memcpy(mapped_prefix, &words[2], 4);
  const bool mapped = high_zero && mapped_prefix[2] == 0xff && mapped_prefix[3] == 0xff;
  const bool mapped_loopback = mapped && first_byte(words[3]) == loopback_network;
  return is_one || mapped_loopback ? ListenScope::loopback : ListenScope::reachable;
}

}  // namespace

std::vector<ListeningPort> parse_listening(std::string_view table) {
  std::map<std::uint16_t, ListenScope> found;
  for (const std::string& line : split(table, '\n')) {
    // "  0: 00000000:1538 00000000:0000 0A ..."; the first line is a heading
    std::vector<std::string> words;
    for (std::string& word : split(line, ' '))
      if (!word.empty() && words.size() < 4) words.push_back(std::move(word));
    if (words.size() < 4 || words[3] != listen_state) continue;
    const std::size_t colon = words[1].rfind(':');
    if (colon == std::string::npos) continue;
    const auto port = hex_word(std::string_view(words[1]).substr(colon + 1));
    const auto scope = scope_of(std::string_view(words[1]).substr(0, colon));
    if (!port || *port > 0xffff || !scope) continue;
    const auto [entry, added] = found.emplace(static_cast<std::uint16_t>(*port), *scope);
    if (!added) entry->second = std::max(entry->second, *scope);
  }
  std::vector<ListeningPort> ports;
  for (const auto& [port, scope] : found) ports.push_back({port, scope});
  return ports;
}

Result<std::vector<ListeningPort>> listening_tcp_ports(pid_t pid) {
  constexpr std::size_t limit = std::size_t{16} << 20;
  std::string table = TRY(read_proc(pid, "net/tcp", limit));
  // Without IPv6 the file does not exist.
  if (const Result<std::string> six = read_file(proc(pid, "net/tcp6"), limit)) table += *six;
  return parse_listening(table);
}

bool is_being_set_up(pid_t pid) {
  return trim(read_file(proc(pid, "comm"), 64).value_or("")) == internal::setting_up_name;
}

}  // namespace consort::runtime
