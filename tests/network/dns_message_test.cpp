#include "network/dns_message.hpp"

#include <gtest/gtest.h>

#include "dns_query.hpp"

namespace consort::dns {
namespace {

using test::make_query;

Bytes ipv4_answer(const Bytes& query, std::vector<std::string> addresses, std::size_t limit = 512) {
  std::vector<Address> list;
  for (const std::string& text : addresses) list.push_back(Address::parse(text).value());
  return answer_addresses(query, parse_query(query).value(), list, limit);
}

TEST(DnsMessage, ReadsAQuestion) {
  const auto query = parse_query(make_query(0x1234, "DB.Example", type_aaaa));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->id, 0x1234);
  EXPECT_EQ(query->name, "db.example");
  EXPECT_EQ(query->type, type_aaaa);
  EXPECT_EQ(query->klass, class_in);
  EXPECT_FALSE(query->edns);
  EXPECT_EQ(query->max_udp_answer, 512u);
  EXPECT_EQ(parse_query(make_query(1, "", type_a))->name, "");
}

TEST(DnsMessage, ReadsTheSizeThatEdnsOffers) {
  const auto query = parse_query(make_query(1, "db", type_a, 4096));
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->edns);
  EXPECT_EQ(query->max_udp_answer, 4096u);
  EXPECT_EQ(parse_query(make_query(1, "db", type_a, 100))->max_udp_answer, 512u);
}

TEST(DnsMessage, EveryTruncationIsRefused) {
  const Bytes whole = make_query(7, "a.b.c", type_a);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_query(View(whole.data(), size))) << size;
}

TEST(DnsMessage, NamesThatAreTooLongOrCompressedAreRefused) {
  Bytes pointer = make_query(1, "a", type_a);
  pointer[12] = 0xc0;
  EXPECT_FALSE(parse_query(pointer));
  std::string name;
  for (int i = 0; i < 130; ++i) name += "a.";
  EXPECT_FALSE(parse_query(make_query(1, name + "a", type_a)));
  EXPECT_FALSE(parse_query(make_query(1, std::string(64, 'a'), type_a)));
  EXPECT_TRUE(parse_query(make_query(1, std::string(63, 'a'), type_a)));
}

TEST(DnsMessage, ADotInsideALabelCannotPassForASeparator) {
  Bytes query = make_query(1, "axb", type_a);
  query[14] = '.';
  EXPECT_EQ(parse_query(query)->name, "a\\046b");
}

TEST(DnsMessage, AnAnswerRepeatsTheQuestion) {
  const Bytes query = make_query(0xabcd, "Db", type_a);
  const Bytes answer = ipv4_answer(query, {"172.18.0.2", "172.18.0.3"});
  EXPECT_TRUE(is_answer_to(answer, query));
  EXPECT_EQ(rcode_of(answer), Rcode::ok);
  EXPECT_EQ(answer[2], 0x81);  // answer, recursion desired; not authoritative
  EXPECT_EQ(answer[3], 0x80);  // recursion available
  EXPECT_EQ(test::addresses_in(answer), (std::vector<std::string>{"172.18.0.2", "172.18.0.3"}));
  EXPECT_FALSE(is_answer_to(answer, make_query(0xabcd, "other", type_a)));
  EXPECT_FALSE(is_answer_to(answer, make_query(0xabce, "db", type_a)));
  EXPECT_FALSE(is_answer_to(query, query));
}

TEST(DnsMessage, WhatDoesNotFitIsMarkedAsTruncated) {
  const std::vector<std::string> many(100, "172.18.0.2");
  const Bytes query = make_query(1, "db", type_a, 600);
  const Bytes answer = ipv4_answer(query, many, 600);
  EXPECT_LE(answer.size(), 600u);
  EXPECT_EQ(answer[2] & 0x02, 0x02);
  EXPECT_EQ(test::addresses_in(answer).size(), (600u - 20 - 11) / 16);
  EXPECT_EQ(test::addresses_in(ipv4_answer(query, many, 65535)).size(), 100u);
}

TEST(DnsMessage, UnreadableQuestionsGetAFormatError) {
  const Bytes query = make_query(0x0102, "db", type_a);
  const Bytes answer = format_error(View(query.data(), 14));
  EXPECT_EQ(id_of(answer), 0x0102);
  EXPECT_EQ(rcode_of(answer), Rcode::format_error);
  EXPECT_TRUE(format_error(View(query.data(), 11)).empty());
  EXPECT_TRUE(format_error(ipv4_answer(query, {})).empty());  // two servers must not send errors back and forth
}

TEST(DnsMessage, ReverseNamesAreAddresses) {
  EXPECT_EQ(address_of_reverse("2.0.18.172.in-addr.arpa"), Address::parse("172.18.0.2"));
  EXPECT_EQ(address_of_reverse("256.0.18.172.in-addr.arpa"), std::nullopt);
  EXPECT_EQ(address_of_reverse("0.18.172.in-addr.arpa"), std::nullopt);
  EXPECT_EQ(address_of_reverse("b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
            Address::parse("2001:db8::567:89ab"));
  EXPECT_EQ(address_of_reverse("x"), std::nullopt);
}

TEST(DnsMessage, ANameThatCannotBeWrittenIsAServerFailure) {
  const Bytes query = make_query(1, "2.0.18.172.in-addr.arpa", type_ptr);
  EXPECT_EQ(rcode_of(answer_name(query, *parse_query(query), "a..b", 512)), Rcode::server_failure);
  EXPECT_EQ(rcode_of(answer_name(query, *parse_query(query), "a.net", 512)), Rcode::ok);
}

}  // namespace
}  // namespace consort::dns
