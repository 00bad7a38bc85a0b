// Reads a DNS server's answer (RFC 1035, 4.1). Like the whole program, it does without the C++ library.
#pragma once

#include <stddef.h>

namespace consort::kube {

inline constexpr unsigned char type_a = 1, type_aaaa = 28;

// The offset after a name, which is a sequence of labels up to an empty one or a pointer; `size` if it does not end
// within the message.
inline size_t behind_name(const unsigned char* message, size_t size, size_t at) {
  constexpr unsigned char pointer = 0xC0;
  while (at < size) {
    const unsigned char length = message[at];
    if (length == 0) return at + 1;
    if ((length & pointer) != 0) return at + 2 < size ? at + 2 : size;
    at += 1 + static_cast<size_t>(length);
  }
  return size;
}

// Whether a record of the answer is an address. An alias without an address does not count, whatever the response code.
inline bool has_address_record(const unsigned char* message, size_t size) {
  constexpr size_t head = 12, question_rest = 4, record_rest = 10;
  if (size < head || (message[2] & 0x80) == 0 || (message[3] & 0x0F) != 0) return false;
  const auto number = [&](size_t at) { return static_cast<size_t>(message[at]) << 8 | message[at + 1]; };
  size_t at = head;
  for (size_t left = number(4); left > 0 && at < size; --left) at = behind_name(message, size, at) + question_rest;
  for (size_t left = number(6); left > 0 && at < size; --left) {
    at = behind_name(message, size, at);
    if (at + record_rest > size) return false;
    const size_t type = number(at), length = number(at + 8);
    at += record_rest;
    if (at + length > size) return false;
    if ((type == type_a && length == 4) || (type == type_aaaa && length == 16)) return true;
    at += length;
  }
  return false;
}

}  // namespace consort::kube
