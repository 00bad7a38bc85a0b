#include "network/link/netlink.hpp"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/narrow.hpp"

namespace consort::netlink {

namespace {

constexpr std::size_t receive_bytes = 64 * 1024;

std::size_t align4(std::size_t n) {
  return (n + 3) & ~std::size_t{3};
}

}  // namespace

void Batch::pad() {
  bytes_.resize(align4(bytes_.size()));
}

void Batch::begin(std::uint16_t type, std::uint16_t flags, std::string label) {
  header_ = bytes_.size();
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = static_cast<std::uint32_t>(labels_.size());
  labels_.push_back(std::move(label));
  append(&header, sizeof header);
}

void Batch::append(const void* data, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
  pad();
  const auto length = static_cast<std::uint32_t>(bytes_.size() - header_);
  std::memcpy(&bytes_[header_], &length, sizeof length);
}

// The kernel would take the bytes after a truncated length for another attribute.
std::uint16_t Batch::attribute_length(std::size_t bytes) {
  if (const auto length = fitting<std::uint16_t>(bytes)) return *length;
  too_long_ = labels_.back();
  return 0;
}

void Batch::put(std::uint16_t type, const void* data, std::size_t size) {
  const nlattr attribute{attribute_length(sizeof(nlattr) + size), type};
  const auto* head = reinterpret_cast<const std::uint8_t*>(&attribute);
  bytes_.insert(bytes_.end(), head, head + sizeof attribute);
  append(data, size);
}

void Batch::put_be32(std::uint16_t type, std::uint32_t value) {
  put_u32(type, htonl(value));
}

void Batch::put_be64(std::uint16_t type, std::uint64_t value) {
  const std::uint64_t swapped = htobe64(value);
  put(type, &swapped, sizeof swapped);
}

void Batch::put_string(std::uint16_t type, std::string_view text) {
  const std::string copy(text);
  put(type, copy.c_str(), copy.size() + 1);
}

std::size_t Batch::nest(std::uint16_t type) {
  const std::size_t mark = bytes_.size();
  put(static_cast<std::uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return mark;
}

void Batch::end(std::size_t mark) {
  const std::uint16_t length = attribute_length(bytes_.size() - mark);
  std::memcpy(&bytes_[mark], &length, sizeof length);
}

std::string_view Attribute::text() const {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return all.substr(0, all.find('\0'));
}

std::uint32_t Attribute::u32() const {
  std::uint32_t value = 0;
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void for_each_attribute(std::span<const std::uint8_t> payload, const std::function<void(const Attribute&)>& visit) {
  while (payload.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, payload.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > payload.size()) return;
    visit({static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK),
           payload.subspan(sizeof head, head.nla_len - sizeof head)});
    payload = payload.subspan(std::min(align4(head.nla_len), payload.size()));
  }
}

std::span<const std::uint8_t> Received::attributes(std::size_t fixed) const {
  return payload.subspan(std::min(align4(fixed), payload.size()));
}

Result<Socket> Socket::open(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno("open netlink socket");
  const int on = 1;
  // Both are conveniences: the kernel's explanation, and no copy of our request in each answer.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  const sockaddr_nl local{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    return fail_errno("bind netlink socket");
  return Socket(std::move(fd));
}

// Numbers the messages and sends the buffer as one datagram.
Result<> Socket::send(Batch& batch) {
  if (!batch.too_long_.empty())
    return fail(Error(Code::invalid, batch.too_long_).why("an attribute is longer than 64 KiB"));
  for (std::size_t at = 0; at + sizeof(nlmsghdr) <= batch.bytes_.size();) {
    nlmsghdr header;
    std::memcpy(&header, &batch.bytes_[at], sizeof header);
    header.nlmsg_seq += sequence_;
    std::memcpy(&batch.bytes_[at], &header, sizeof header);
    at += header.nlmsg_len;
  }
  sequence_ += static_cast<std::uint32_t>(batch.count()) + 1;
  // A datagram must fit into the send buffer; a socket has about 200 KiB by default.
  if (const int size = static_cast<int>(batch.bytes_.size()) + 4096; size > send_buffer_) {
    if (::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0) send_buffer_ = size;
  }
  const sockaddr_nl kernel{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  ssize_t sent;
  do {
    sent = ::sendto(fd_.get(), batch.bytes_.data(), batch.bytes_.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                    sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail_errno("send netlink message");
  return {};
}

Result<std::span<const std::uint8_t>> Socket::receive(int flags) {
  // Allocated only while needed: a supervisor keeps its sockets for days.
  buffer_.resize(receive_bytes);
  ssize_t got;
  do {
    got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), flags);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("receive netlink message");
  return std::span<const std::uint8_t>(buffer_.data(), static_cast<std::size_t>(got));
}

namespace {

// nlmsgerr, then (without the request's copy) the extended attributes.
Failure failure_of(std::size_t index, std::span<const std::uint8_t> payload) {
  Failure failure{index, EIO, {}};
  nlmsgerr answer{};
  if (payload.size() < sizeof answer) return failure;
  std::memcpy(&answer, payload.data(), sizeof answer);
  failure.error = -answer.error;
  for_each_attribute(payload.subspan(sizeof answer), [&](const Attribute& attribute) {
    if (attribute.type == NLMSGERR_ATTR_MSG) failure.text = std::string(attribute.text());
  });
  return failure;
}

// Calls visit(header, payload) for each message of a datagram until it returns false.
template <typename Visit>
void for_each_message(std::span<const std::uint8_t> bytes, Visit&& visit) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return;
    visit(header, bytes.subspan(sizeof header, header.nlmsg_len - sizeof header));
    bytes = bytes.subspan(std::min(align4(header.nlmsg_len), bytes.size()));
  }
}

}  // namespace

// The kernel processes a request inside send(), so all its answers are waiting by now: no answer means success, and
// nothing here can block.
Result<std::vector<Failure>> Socket::collect(std::uint32_t first) {
  std::vector<Failure> failures;
  while (true) {
    Result<std::span<const std::uint8_t>> bytes = receive(MSG_DONTWAIT);
    if (!bytes && bytes.error().sys_errno() == EAGAIN) break;
    if (!bytes) return fail(std::move(bytes).error());
    for_each_message(*bytes, [&](const nlmsghdr& header, std::span<const std::uint8_t> payload) {
      if (header.nlmsg_type != NLMSG_ERROR) return;
      Failure failure = failure_of(header.nlmsg_seq - first, payload);
      if (failure.error != 0) failures.push_back(std::move(failure));
    });
  }
  buffer_ = {};
  return failures;
}

Result<std::vector<Failure>> Socket::run(Batch& batch) {
  if (batch.empty()) return std::vector<Failure>{};
  const std::uint32_t first = sequence_;
  TRY(send(batch));
  return collect(first);
}

Error Socket::error_of(const Batch& batch, const Failure& failure) {
  Error error = errno_error(failure.error, failure.index < batch.labels_.size() ? batch.labels_[failure.index] : "");
  if (!failure.text.empty()) error = std::move(error).hint("the kernel says: " + failure.text);
  return error;
}

Result<> Socket::transact(Batch& batch) {
  const std::vector<Failure> failures = TRY(run(batch));
  if (!failures.empty()) return fail(error_of(batch, failures.front()));
  return {};
}

Result<std::vector<Failure>> Socket::run_nft(Batch& batch, std::optional<std::uint32_t> generation) {
  if (batch.empty()) return std::vector<Failure>{};
  // BEGIN, the messages, END. A failure of the whole (permission, memory) is reported for BEGIN, whose index is -1.
  Batch whole;
  const nfgenmsg subsystem{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  whole.begin(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, "begin firewall change");
  whole.append(subsystem);
  if (generation) whole.put_be32(NFNL_BATCH_GENID, *generation);
  const std::size_t start = whole.bytes_.size();
  whole.bytes_.insert(whole.bytes_.end(), batch.bytes_.begin(), batch.bytes_.end());
  for (std::size_t at = start; at < whole.bytes_.size();) {
    nlmsghdr header;
    std::memcpy(&header, &whole.bytes_[at], sizeof header);
    header.nlmsg_seq += 1;
    std::memcpy(&whole.bytes_[at], &header, sizeof header);
    at += header.nlmsg_len;
  }
  whole.labels_.insert(whole.labels_.end(), batch.labels_.begin(), batch.labels_.end());
  whole.begin(NFNL_MSG_BATCH_END, NLM_F_REQUEST, "end firewall change");
  whole.append(subsystem);

  const std::uint32_t first = sequence_ + 1;
  TRY(send(whole));
  return collect(first);
}

Result<> Socket::dump(Batch& request, const std::function<void(const Received&)>& visit) {
  TRY(begin_dump(request));
  while (TRY(next_of_dump(request, visit))) continue;
  return {};
}

Result<> Socket::begin_dump(Batch& request) {
  dump_sequence_ = sequence_;
  return send(request);
}

Result<bool> Socket::next_of_dump(const Batch& request, const std::function<void(const Received&)>& visit) {
  std::optional<Failure> failure;
  bool more = true;
  for_each_message(TRY(receive(0)), [&](const nlmsghdr& header, std::span<const std::uint8_t> payload) {
    if (header.nlmsg_seq != dump_sequence_) return;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      more = false;
      if (header.nlmsg_type == NLMSG_ERROR) failure = failure_of(0, payload);
      return;
    }
    visit({header.nlmsg_type, payload});
    if ((header.nlmsg_flags & NLM_F_MULTI) == 0) more = false;
  });
  if (!more) buffer_ = {};
  if (failure && failure->error != 0) return fail(error_of(request, *failure));
  return more;
}

}  // namespace consort::netlink
