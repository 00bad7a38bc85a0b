// The transport: reads requests from a socket and writes answers to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "serve/http/connection.hpp"

using namespace consort;  // NOLINT: a test

namespace {

using namespace std::chrono_literals;
using serve::http::Connection;
using testing::HasSubstr;
using testing::StartsWith;

struct Ends {
  Fd client;
  Connection server;
};

Ends connect(serve::http::Patience patience = {}) {
  auto pair = make_socket_pair(SOCK_STREAM);
  return {std::move(pair->first), Connection(std::move(pair->second), patience)};
}

void send(const Ends& ends, std::string_view text) {
  ASSERT_TRUE(write_full(ends.client.get(), text));
}

TEST(Http, SeveralRequestsOnOneConnection) {
  Ends ends = connect();
  send(ends,
       "GET /a%20b?x=1&x=2%2B&y=a+b&z HTTP/1.1\r\nHost: d\r\nX-A: 1\r\nx-a: 2\r\n\r\nPOST /c HTTP/1.1\r\nHost: d\r\n"
       "Content-Length: 3\r\n\r\nabcGET /d HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
  auto first = ends.server.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->path, "/a%20b");
  EXPECT_THAT((*first)->query.all("x"), testing::ElementsAre("1", "2+"));
  EXPECT_EQ((*first)->query.text("y"), "a b");
  EXPECT_TRUE((*first)->query.has("z"));
  EXPECT_EQ((*first)->header("x-a"), "1, 2");
  auto second = ends.server.next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->method, "POST");
  auto third = ends.server.next();  // the unread body is not taken for a request
  ASSERT_TRUE(third && *third);
  EXPECT_EQ((*third)->path, "/d");
  EXPECT_FALSE((*third)->keep_alive);
}

// A proxy in front of us may find another end of the request than we do.
TEST(Http, CodingsThatNobodyHereKnowsAreRefused) {
  for (const char* coding : {"xchunked", "chunked, identity", "identity, chunked", "gzip"}) {
    Ends ends = connect();
    send(ends, "POST /x HTTP/1.1\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
    EXPECT_FALSE(ends.server.next()) << coding;
  }
}

TEST(Http, ChunkedBodyInPieces) {
  Ends ends = connect();
  std::jthread sender([&] {
    for (const char c : std::string_view(
             "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2;x=y\r\nef\r\n0\r\n\r\n"))
      ASSERT_TRUE(write_full(ends.client.get(), std::string_view(&c, 1)));
  });
  auto request = ends.server.next();
  ASSERT_TRUE(request && *request);
  EXPECT_TRUE((*request)->has_body);
  EXPECT_EQ(ends.server.read_body(100).value(), "abcdef");
}

TEST(Http, ContinueIsSentWhenTheBodyIsWanted) {
  Ends ends = connect();
  send(ends, "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  auto request = ends.server.next();
  ASSERT_TRUE(request && *request);
  std::jthread client([&] {
    std::string answer(25, '\0');
    ASSERT_TRUE(read_full(ends.client.get(), std::as_writable_bytes(std::span(answer))));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue"));
    ASSERT_TRUE(write_full(ends.client.get(), "ok"));
  });
  EXPECT_EQ(ends.server.read_body(100).value(), "ok");
}

TEST(Http, BytesBehindTheRequestGoToWhoTakesTheConnection) {
  Ends ends = connect();
  send(ends, "POST /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}typed");
  auto request = ends.server.next();
  ASSERT_TRUE(request && *request);
  EXPECT_TRUE((*request)->header_has("connection", "upgrade"));
  EXPECT_EQ(ends.server.read_body(100).value(), "{}");
  const auto raw = ends.server.release();
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->early, "typed");
  EXPECT_TRUE(ends.server.released());
}

TEST(Http, WhatIsTooLargeIsRefused) {
  Ends ends = connect();
  std::jthread sender([&] {
    (void)write_full(ends.client.get(), "GET /" + std::string(serve::http::head_limit, 'a') + " HTTP/1.1\r\n\r\n");
  });
  auto request = ends.server.next();
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code(), Code::invalid);
  Ends other = connect();
  send(other, "POST /x HTTP/1.1\r\nContent-Length: 200\r\n\r\n" + std::string(200, 'a'));
  ASSERT_TRUE(other.server.next());
  EXPECT_EQ(other.server.read_body(100).error().code(), Code::invalid);
}

TEST(Http, NonsenseAndSilenceEndTheConnection) {
  Ends nonsense = connect();
  send(nonsense, "\x16\x03\x01 nonsense\r\n\r\n");
  auto request = nonsense.server.next();
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code(), Code::invalid);
  Ends silent = connect({.idle = 1ms, .head = 1ms, .body = 1ms});
  auto nothing = silent.server.next();
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  Ends half = connect({.idle = 10s, .head = 1ms, .body = 1ms});
  send(half, "GET / HT");
  nothing = half.server.next();
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
}

// A byte now and then is not silence, but the part of the body that is kept takes memory that others need.
TEST(Http, BodiesThatAreKeptMustComeInTime) {
  constexpr int size = 5000;
  Ends ends = connect({.whole = 20ms});
  send(ends, "POST /x HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  ASSERT_TRUE(ends.server.next());
  const std::jthread slow([&](const std::stop_token& over) {
    for (int i = 0; i < size && !over.stop_requested(); ++i) {
      (void)write_full(ends.client.get(), "a");
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_FALSE(ends.server.read_body(size));
}

TEST(Http, OnlyWhoHasClosedAltogetherHasGone) {
  Ends ends = connect();
  ASSERT_EQ(::shutdown(ends.client.get(), SHUT_WR), 0);  // no more input: the docker CLI closes it at once
  EXPECT_FALSE(ends.server.gone());
  ends.client.reset();
  EXPECT_TRUE(ends.server.gone());
}

}  // namespace
