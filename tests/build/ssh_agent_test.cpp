// Keys for steps: held by an agent that ends with the build, and used through a relay that only allows signing.
#include "build/exec/ssh_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string framed(std::string_view body) {
  std::string out(4, '\0');
  out[3] = static_cast<char>(body.size());
  return out + std::string(body);
}

TEST(AgentMessages, ComeInAnyPieces) {
  const std::string text = framed("\x0b") + framed(
                                                "\x0d"
                                                "abc");
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    AgentMessages messages;
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      messages.add(std::string_view(text).substr(at, piece));
      while (auto next = messages.next().value()) found.push_back(*next);
    }
    EXPECT_EQ(found, (std::vector<std::string>{framed("\x0b"), framed("\x0d"
                                                                      "abc")}));
  }
}

TEST(AgentMessages, AreRefusedWhenTooLongOrEmpty) {
  AgentMessages empty;
  empty.add(std::string(4, '\0'));
  EXPECT_FALSE(empty.next());
  AgentMessages huge;
  huge.add("\x7f\xff\xff\xff");
  EXPECT_FALSE(huge.next());
}

TEST(AgentMessages, OnlyKeysAndSignaturesMayBeAskedFor) {
  EXPECT_TRUE(agent_may_be_asked(framed("\x0b")));
  EXPECT_TRUE(agent_may_be_asked(framed("\x0d")));
  for (const char type : {'\x11', '\x12', '\x13', '\x14', '\x15', '\x16', '\x17', '\x19', '\x1a', '\x1b'})
    EXPECT_FALSE(agent_may_be_asked(framed(std::string(1, type)))) << int{type};
}

TEST(AgentMessages, KeysAreListedWithoutComments) {
  using namespace std::string_literals;
  const auto text = [](std::string_view word) { return framed(word); };
  const std::string two = "\x0c\0\0\0\2"s;
  EXPECT_EQ(without_comments(framed(two + text("first") + text("me@home") + text("second") + text(""))).value(),
            framed(two + text("first") + text("") + text("second") + text("")));
  EXPECT_EQ(without_comments(framed("\x0c\0\0\0\0"s)).value(), framed("\x0c\0\0\0\0"s));
  EXPECT_EQ(without_comments(framed("\x0e signature")).value(), framed("\x0e signature"));
  EXPECT_FALSE(without_comments(framed(two + text("first") + text("me"))));
  EXPECT_FALSE(without_comments(framed("\x0c\0\0"s)));
}

bool have(const char* program) {
  for (const char* directory : {"/usr/bin/", "/bin/", "/usr/local/bin/"})
    if (fs::exists(std::string(directory) + program)) return true;
  return false;
}

Fd connect_to(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) fd.reset();
  return fd;
}

std::string ask(int fd, std::string_view question) {
  EXPECT_EQ(::send(fd, question.data(), question.size(), MSG_NOSIGNAL), static_cast<ssize_t>(question.size()));
  AgentMessages answers;
  char bytes[4096];
  for (ssize_t got; (got = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) {
    answers.add({bytes, static_cast<std::size_t>(got)});
    if (auto answer = answers.next().value()) return *answer;
  }
  return "closed";
}

class SshAgentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"ssh-agent", "ssh-add", "ssh-keygen"})
      if (!have(program)) GTEST_SKIP() << program << " is not installed";
    char name[] = "/tmp/ssh-agent-test-XXXXXX";
    directory = ::mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(directory); }

  std::string make_key(const std::string& name, const std::string& passphrase) const {
    const std::string path = directory + "/" + name;
    SpawnOptions options;
    options.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path};
    EXPECT_TRUE(run_and_capture(std::move(options)).value().status.success());
    return path;
  }
  std::string directory;
};

TEST_F(SshAgentTest, AStepSeesAKeyOnlyThroughTheAgent) {
  const std::string key = make_key("key", "");
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);  // no matter: Docker does not ask either
  std::string socket;
  {
    auto agents = SshAgents::start({{"k", key}}, "", directory + "/run");
    ASSERT_TRUE(agents) << agents.error().message();
    socket = agents->socket_of("k");
    EXPECT_EQ(agents->socket_of("other"), "");
    EXPECT_TRUE(agents->is_own("k"));
    const auto relay = SshRelay::start(socket, directory + "/relay", SshRelay::Comments::dropped);
    ASSERT_TRUE(relay);
    const Fd fd = connect_to(directory + "/relay");
    ASSERT_TRUE(fd);
    const std::string keys = ask(fd.get(), framed("\x0b"));
    EXPECT_EQ(keys[4], '\x0c');  // the list of identities
    EXPECT_EQ(keys[8], '\x01');
    EXPECT_EQ(keys.find("PRIVATE"), std::string::npos);
    EXPECT_TRUE(keys.ends_with(std::string(4, '\0'))) << "the comment: who made the key, and where";
    EXPECT_EQ(ask(fd.get(), framed("\x13")), framed("\x05"));  // "remove all": a failure, not passed on
    EXPECT_EQ(ask(fd.get(), framed("\x0b")), keys);
  }
  EXPECT_FALSE(connect_to(socket));
  EXPECT_FALSE(fs::exists(directory + "/run"));
}

TEST_F(SshAgentTest, MistakesAreNamed) {
  const auto message = [this](const std::string& path, const std::string& user_socket = "") {
    auto agents = SshAgents::start({{"default", path}}, user_socket, directory + "/run");
    return agents ? "started" : agents.error().message();
  };
  EXPECT_EQ(message(""), "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
  EXPECT_THAT(message(make_key("locked", "secret")), HasSubstr("passphrase protected"));
  ASSERT_TRUE(write_file_atomic(directory + "/text", "hello\n", 0600));
  EXPECT_THAT(message(directory + "/text"), HasSubstr("no private key found"));
  EXPECT_THAT(message(directory + "/absent"), HasSubstr("absent"));
}

TEST_F(SshAgentTest, TheAgentEndsWithTheBuildHoweverThatEnds) {
  const std::string key = make_key("key", "");
  const std::string socket = directory + "/run/agent-0";
  Pipe started = make_pipe().value();
  const pid_t child = ::fork();
  if (child == 0) {
    auto agents = SshAgents::start({{"k", key}}, "", directory + "/run");
    const char word = agents ? 'y' : 'n';
    if (::write(started.write.get(), &word, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  started.write.reset();
  char word = 0;
  ASSERT_EQ(::read(started.read.get(), &word, 1), 1);
  ASSERT_EQ(word, 'y');
  ASSERT_TRUE(connect_to(socket));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (int i = 0; i < 600 && connect_to(socket); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(connect_to(socket));
}

}  // namespace
}  // namespace consort::build
