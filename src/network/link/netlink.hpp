// Netlink messages and sockets: many messages in one send, every answer read and given its place.
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

// A sequence of messages in one buffer. Numbers are written in host order unless the name says otherwise.
class Batch {
 public:
  // Starts the next message; its header's sequence number is its index in the batch. `label` names it in errors.
  void begin(std::uint16_t type, std::uint16_t flags, std::string label);
  void append(const void* data, std::size_t size);  // fixed part behind the header; padded to four bytes
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
  void put_string(std::uint16_t type, std::string_view text);  // with its final zero
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
  std::string too_long_;    // the label of a message with an attribute that is; it is not sent
};

// Ends a nested attribute when it leaves scope.
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
// Calls visit for each attribute of a payload; stops at the first malformed one.
void for_each_attribute(std::span<const std::uint8_t> payload, const std::function<void(const Attribute&)>& visit);

struct Received {
  std::uint16_t type;
  std::span<const std::uint8_t> payload;  // behind the nlmsghdr
  // The attributes behind a fixed part of this size.
  std::span<const std::uint8_t> attributes(std::size_t fixed) const;
};

// A failure of one message of a batch.
struct Failure {
  std::size_t index;  // of the message; beyond the last one: the batch as a whole
  int error;          // errno
  std::string text;   // the kernel's own explanation, often empty
};

class Socket {
 public:
  // In the network namespace of the caller, and bound to it for good.
  static Result<Socket> open(int protocol);

  // Sends all and reads what the kernel has to say; messages fail independently of each other (rtnetlink).
  Result<std::vector<Failure>> run(Batch& batch);
  // As run(), but the first failure is the result.
  Result<> transact(Batch& batch);
  // nf_tables: between BATCH_BEGIN and BATCH_END; all or nothing. Every failure is reported.
  // With a generation, the change is refused with ERESTART if the rules have been changed by anybody since then.
  Result<std::vector<Failure>> run_nft(Batch& batch, std::optional<std::uint32_t> generation = {});
  // A request with NLM_F_DUMP; visit is called for each part.
  Result<> dump(Batch& request, const std::function<void(const Received&)>& visit);
  // The same in steps: the kernel goes on with its list at each call of next_of_dump(), which is false at the end.
  // Nothing else may be asked on this socket until then.
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
  std::uint32_t dump_sequence_ = 0;  // of the dump that is under way
  std::vector<std::uint8_t> buffer_;
};

}  // namespace consort::netlink
