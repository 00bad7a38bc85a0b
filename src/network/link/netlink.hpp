// Netlink messages and sockets: sends many messages at once and matches every answer to its message.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"

namespace consort::netlink {

// A sequence of messages in one buffer. Numbers are in host order unless the name says otherwise.
class Batch {
 public:
  // Starts the next message; its header's sequence number is its index in the batch. `label` names it in errors.
  void begin(std::uint16_t type, std::uint16_t flags, std::string label);
  void append(const void* data, std::size_t size);  // the fixed part after the header; padded to four bytes
  template <typename T>
  void append(const T& fixed) {
    append(&fixed, sizeof fixed);
  }
  void put(std::uint16_t type, const void* data, std::size_t size);
  void put(std::uint16_t type, std::span<const std::uint8_t> bytes) { put(type, bytes.data(), bytes.size()); }
  void put_u8(std::uint16_t type, std::uint8_t value) { put(type, &value, sizeof value); }
  void put_u16(std::uint16_t type, std::uint16_t value) { put(type, &value, sizeof value); }
  void put_u32(std::uint16_t type, std::uint32_t value) { put(type, &value, sizeof value); }
  void put_be32(std::uint16_t type, std::uint32_t value);
  void put_be64(std::uint16_t type, std::uint64_t value);
  void put_string(std::uint16_t type, std::string_view text);  // with its terminating zero
  std::size_t nest(std::uint16_t type);                        // returns a mark for end()
  void end(std::size_t mark);

  std::size_t count() const { return labels_.size(); }
  bool empty() const { return labels_.empty(); }

 private:
  friend class Socket;
  void pad();
  std::uint16_t attribute_length(std::size_t bytes);
  std::vector<std::uint8_t> bytes_;
  std::vector<std::string> labels_;
  std::size_t header_ = 0;  // offset of the current message
  std::string too_long_;    // label of a message with a too long attribute; such a batch is not sent
};

// Ends a nested attribute when it goes out of scope.
class Nest {
 public:
  Nest(Batch& batch, std::uint16_t type) : batch_(batch), mark_(batch.nest(type)) {}
  ~Nest() { batch_.end(mark_); }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  Batch& batch_;
  std::size_t mark_;
};

// One attribute of a received message.
struct Attribute {
  std::uint16_t type;
  std::span<const std::uint8_t> bytes;
  std::string_view text() const;  // up to the first zero
  std::uint32_t u32() const;      // 0 if it is too short
};
// Calls visit for each attribute of a payload; stops at a malformed one.
void for_each_attribute(std::span<const std::uint8_t> payload, const std::function<void(const Attribute&)>& visit);

struct Received {
  std::uint16_t type;
  std::span<const std::uint8_t> payload;  // after the nlmsghdr
  // The attributes after a fixed part of this size.
  std::span<const std::uint8_t> attributes(std::size_t fixed) const;
};

// The failure of one message in a batch.
struct Failure {
  std::size_t index;  // of the message; past the last one: the whole batch
  int error;          // errno
  std::string text;   // the kernel's explanation, often empty
};

class Socket {
 public:
  // Bound permanently to the caller's network namespace.
  static Result<Socket> open(int protocol);

  // Sends all messages and reads all answers. Messages fail independently of each other (rtnetlink).
  Result<std::vector<Failure>> run(Batch& batch);
  // As run(), but returns the first failure as its error.
  Result<> transact(Batch& batch);
  // For nf_tables: wrapped in BATCH_BEGIN and BATCH_END, all or nothing; every failure is reported. With a generation,
  // the kernel rejects the change with ERESTART if the rules have changed since then.
  Result<std::vector<Failure>> run_nft(Batch& batch, std::optional<std::uint32_t> generation = {});
  // A request with NLM_F_DUMP; visit is called for each message of the answer.
  Result<> dump(Batch& request, const std::function<void(const Received&)>& visit);
  // The same in steps: each call of next_of_dump() continues the list and returns false at its end. Until then, nothing
  // else may be requested on this socket.
  Result<> begin_dump(Batch& request);
  Result<bool> next_of_dump(const Batch& request, const std::function<void(const Received&)>& visit);

  static Error error_of(const Batch& batch, const Failure& failure);
  int fd() const { return fd_.get(); }

 private:
  explicit Socket(Fd fd) : fd_(std::move(fd)) {}
  Result<> send(Batch& batch);
  Result<std::span<const std::uint8_t>> receive(int flags);
  Result<std::vector<Failure>> collect(std::uint32_t first);
  Fd fd_;
  std::uint32_t sequence_ = 1;
  int send_buffer_ = 64 * 1024;      // bytes that are known to fit
  std::uint32_t dump_sequence_ = 0;  // of the dump in progress
  std::vector<std::uint8_t> buffer_;
};

}  // namespace consort::netlink
