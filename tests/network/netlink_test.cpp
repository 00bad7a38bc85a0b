#include "network/link/netlink.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <vector>

namespace consort::netlink {
namespace {

constexpr std::uint16_t any_type = 7;

// A length has 16 bits; a truncated one would make the kernel read another message.
TEST(Batch, WhatDoesNotFitIsNotSent) {
  auto socket = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(socket);
  const auto said = [&](Batch& batch) {
    const auto sent = socket->run(batch);
    return sent ? std::string() : sent.error().message();
  };
  const auto begun = [] {
    Batch batch;
    batch.begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, "look at a link");
    batch.append(ifinfomsg{});
    return batch;
  };
  const std::vector<std::uint8_t> long_value(0xffff), half(0x8000);
  Batch value = begun(), nested = begun(), fits = begun();
  value.put(any_type, long_value);
  EXPECT_EQ(said(value), "look at a link: an attribute is longer than 64 KiB");
  {
    const Nest nest(nested, any_type);
    nested.put(any_type, half);
    nested.put(any_type, half);
  }
  EXPECT_EQ(said(nested), "look at a link: an attribute is longer than 64 KiB");
  fits.put(any_type, half);
  EXPECT_EQ(said(fits), "");
}

}  // namespace
}  // namespace consort::netlink
