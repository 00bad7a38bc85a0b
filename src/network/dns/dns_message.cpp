#include "network/dns_message.hpp"

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace consort::dns {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t max_name_bytes = 255, max_label_bytes = 63;
constexpr std::uint8_t flag_answer = 0x80, flag_truncated = 0x02, flag_recursion_desired = 0x01;  // third byte
constexpr std::uint8_t flag_recursion_available = 0x80;                                           // fourth byte
constexpr std::uint32_t ttl_seconds = 600;
constexpr std::uint16_t pointer_to_question = 0xc000 | header_bytes;

// Reads from a message; any step beyond its end makes it permanently bad.
class Reader {
 public:
  explicit Reader(View bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}
  bool good() const { return good_; }
  std::size_t at() const { return at_; }

  std::uint8_t u8() {
    if (!need(1)) return 0;
    return bytes_[at_++];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  View bytes(std::size_t n) {
    if (!need(n)) return {};
    at_ += n;
    return bytes_.subspan(at_ - n, n);
  }
  void fail() { good_ = false; }

 private:
  bool need(std::size_t n) {
    if (good_ && bytes_.size() - at_ < n) good_ = false;
    return good_;
  }
  View bytes_;
  std::size_t at_;
  bool good_ = true;
};

void append_escaped(std::string& name, std::uint8_t byte) {
  if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\') {
    name += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
    return;
  }
  name += '\\';
  name += static_cast<char>('0' + byte / 100);
  name += static_cast<char>('0' + byte / 10 % 10);
  name += static_cast<char>('0' + byte % 10);
}

// A name without compression, which a question never needs.
std::string read_name(Reader& reader) {
  std::string name;
  std::size_t total = 1;
  while (const std::uint8_t size = reader.u8()) {
    total += size + 1u;
    if (size > max_label_bytes || total > max_name_bytes) {
      reader.fail();
      break;
    }
    if (!name.empty()) name += '.';
    for (const std::uint8_t byte : reader.bytes(size)) append_escaped(name, byte);
  }
  return name;
}

// Skips a record's name, which may end in a pointer.
void skip_name(Reader& reader) {
  while (const std::uint8_t size = reader.u8()) {
    if (size >= 0xc0) {
      reader.u8();
      return;
    }
    if (size > max_label_bytes) return reader.fail();
    reader.bytes(size);
  }
}

void find_edns(Reader& reader, unsigned records, Query& query) {
  for (unsigned i = 0; i < records && reader.good(); ++i) {
    skip_name(reader);
    const std::uint16_t type = reader.u16(), klass = reader.u16();
    reader.bytes(4);
    reader.bytes(reader.u16());
    if (!reader.good() || type != type_opt) continue;
    query.edns = true;
    query.max_udp_answer = std::max<std::size_t>(klass, max_udp_without_edns);
  }
}

class Writer {
 public:
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    u8(value >> 8 & 0xff);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void bytes(View more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  Bytes take() { return std::move(bytes_); }
  std::size_t size() const { return bytes_.size(); }
  Bytes& data() { return bytes_; }

 private:
  Bytes bytes_;
};

constexpr std::size_t opt_record_bytes = 11;

// Header and question; the counts of answers and additional records are filled in by finish().
Writer begin_answer(View message, const Query& query, Rcode rcode) {
  Writer writer;
  writer.u16(query.id);
  const unsigned desired = message[2] & flag_recursion_desired;
  writer.u8(flag_answer | static_cast<unsigned>(query.opcode) << 3 | desired);
  writer.u8(flag_recursion_available | static_cast<unsigned>(rcode));
  writer.u16(1);
  writer.u16(0);
  writer.u16(0);
  writer.u16(0);
  writer.bytes(message.subspan(header_bytes, query.question_end - header_bytes));
  return writer;
}

Bytes finish(Writer writer, const Query& query, std::size_t answers, bool truncated) {
  if (query.edns) {
    writer.u8(0);  // the root name
    writer.u16(type_opt);
    writer.u16(1232);  // the size that we accept: not fragmented on any usual link
    writer.u32(0);
    writer.u16(0);
    writer.data()[11] = 1;
  }
  writer.data()[6] = static_cast<std::uint8_t>(answers >> 8);
  writer.data()[7] = static_cast<std::uint8_t>(answers & 0xff);
  if (truncated) writer.data()[2] |= flag_truncated;
  return writer.take();
}

void begin_record(Writer& writer, std::uint16_t type) {
  writer.u16(pointer_to_question);
  writer.u16(type);
  writer.u16(class_in);
  writer.u32(ttl_seconds);
}

// Labels of a host name; empty if it is not one.
Bytes encode_name(std::string_view name) {
  Writer writer;
  for (const std::string& label : split(name, '.')) {
    if (label.empty() || label.size() > max_label_bytes) return {};
    writer.u8(static_cast<unsigned>(label.size()));
    for (const char c : label) writer.u8(static_cast<std::uint8_t>(c));
  }
  writer.u8(0);
  if (writer.size() > max_name_bytes) return {};
  return writer.take();
}

}  // namespace

std::optional<Query> parse_query(View message) {
  Reader reader(message);
  Query query;
  query.id = reader.u16();
  const std::uint8_t flags = reader.u8();
  query.opcode = static_cast<std::uint8_t>(flags >> 3 & 15);
  reader.u8();
  const unsigned questions = reader.u16(), answers = reader.u16(), authorities = reader.u16();
  const unsigned additional = reader.u16();
  if (!reader.good() || (flags & flag_answer) != 0 || questions != 1) return std::nullopt;
  query.name = read_name(reader);
  query.type = reader.u16();
  query.klass = reader.u16();
  if (!reader.good()) return std::nullopt;
  query.question_end = reader.at();
  find_edns(reader, answers + authorities + additional, query);
  return query;
}

Bytes format_error(View message) {
  if (message.size() < header_bytes || (message[2] & flag_answer) != 0) return {};
  Bytes answer(header_bytes);
  answer[0] = message[0];
  answer[1] = message[1];
  answer[2] = static_cast<std::uint8_t>(flag_answer | (message[2] & 0x79));
  answer[3] = static_cast<std::uint8_t>(flag_recursion_available | static_cast<unsigned>(Rcode::format_error));
  return answer;
}

Bytes answer_empty(View message, const Query& query, Rcode rcode) {
  return finish(begin_answer(message, query, rcode), query, 0, false);
}

Bytes answer_addresses(View message, const Query& query, std::span<const Address> addresses, std::size_t limit) {
  Writer writer = begin_answer(message, query, Rcode::ok);
  const std::size_t reserve = query.edns ? opt_record_bytes : 0;
  std::size_t written = 0;
  for (const Address& address : addresses) {
    if (writer.size() + 12 + address.size() + reserve > limit) break;
    begin_record(writer, address.is_v4() ? type_a : type_aaaa);
    writer.u16(static_cast<unsigned>(address.size()));
    writer.bytes({address.data(), address.size()});
    ++written;
  }
  return finish(std::move(writer), query, written, written < addresses.size());
}

Bytes answer_name(View message, const Query& query, std::string_view name, std::size_t limit) {
  const Bytes encoded = encode_name(name);
  if (encoded.empty()) return answer_empty(message, query, Rcode::server_failure);
  Writer writer = begin_answer(message, query, Rcode::ok);
  const bool fits = writer.size() + 12 + encoded.size() + (query.edns ? opt_record_bytes : 0) <= limit;
  if (fits) {
    begin_record(writer, type_ptr);
    writer.u16(static_cast<unsigned>(encoded.size()));
    writer.bytes(encoded);
  }
  return finish(std::move(writer), query, fits ? 1 : 0, !fits);
}

bool is_answer_to(View answer, View query) {
  if (answer.size() < header_bytes || query.size() < header_bytes) return false;
  if (answer[0] != query[0] || answer[1] != query[1] || (answer[2] & flag_answer) == 0) return false;
  const auto asked = parse_query(query);
  // Some servers omit the question from an error.
  if (answer[4] == 0 && answer[5] == 0) return rcode_of(answer) != Rcode::ok;
  if (!asked || answer.size() < asked->question_end) return false;
  Reader reader(answer, header_bytes);
  const std::string name = read_name(reader);
  const std::uint16_t type = reader.u16(), klass = reader.u16();
  return reader.good() && name == asked->name && type == asked->type && klass == asked->klass;
}

Rcode rcode_of(View answer) {
  return answer.size() < header_bytes ? Rcode::server_failure : static_cast<Rcode>(answer[3] & 15);
}

std::uint16_t id_of(View message) {
  return message.size() < 2 ? std::uint16_t{0} : static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

void set_id(Bytes& message, std::uint16_t id) {
  if (message.size() < 2) return;
  message[0] = static_cast<std::uint8_t>(id >> 8);
  message[1] = static_cast<std::uint8_t>(id & 0xff);
}

namespace {

std::optional<Address> reverse_v4(const std::vector<std::string>& labels) {
  std::array<std::uint8_t, 4> bytes;
  if (labels.size() != bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto number = parse_unsigned(labels[bytes.size() - 1 - i]);
    if (!number || *number > 255) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*number);
  }
  return Address::from_bytes(Family::v4, bytes.data());
}

std::optional<Address> reverse_v6(const std::vector<std::string>& labels) {
  std::array<std::uint8_t, 16> bytes{};
  if (labels.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string& label = labels[labels.size() - 1 - i];
    if (label.size() != 1 || !is_hex(label)) return std::nullopt;
    const int digit = label[0] <= '9' ? label[0] - '0' : label[0] - 'a' + 10;
    bytes[i / 2] = static_cast<std::uint8_t>(bytes[i / 2] << 4 | digit);
  }
  return Address::from_bytes(Family::v6, bytes.data());
}

}  // namespace

std::optional<Address> address_of_reverse(std::string_view name) {
  constexpr std::string_view v4 = ".in-addr.arpa", v6 = ".ip6.arpa";
  if (name.ends_with(v4)) return reverse_v4(split(name.substr(0, name.size() - v4.size()), '.'));
  if (name.ends_with(v6)) return reverse_v6(split(name.substr(0, name.size() - v6.size()), '.'));
  return std::nullopt;
}

}  // namespace consort::dns
