// Text chosen by others (a registry's answer, a name, a line of a file) never controls the terminal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "cli/invocation.hpp"
#include "cli/render/progress.hpp"
#include "compose/diagnostic.hpp"

namespace consort::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// A new window title, in the short form and in that of ISO 6429; an overwritten line; reversed text.
const std::string evil = "\033]0;owned\007 \u009b31m \rok \u202e.";
const std::string clean = "\\x1b]0;owned\\x07 \\xc2\\x9b31m \\x0dok \\xe2\\x80\\xae.";

std::string written_to_err(const std::function<void()>& write) {
  testing::internal::CaptureStderr();
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(ForeignText, OfAnErrorIsCleaned) {
  Invocation invocation;
  const Error error = Error(Code::io, "pull " + evil).why("two\nlines").hint("try " + evil);
  EXPECT_EQ(written_to_err([&] { print_error(invocation, error); }),
            "pull " + clean + ": two\nlines\ntry " + clean + "\n");
  invocation.progress = ProgressMode::json;
  const std::string json = written_to_err([&] { print_error(invocation, error); });
  EXPECT_EQ(get_string(parse_json(json, "").value(), "message"), "pull " + evil + ": two\nlines");
  for (const char* bad : {"\033", "\007", "\u009b", "\r", "\u202e"}) EXPECT_THAT(json, Not(HasSubstr(bad)));
}

TEST(ForeignText, OfAWarningIsCleaned) {
  Terminal terminal;
  EXPECT_THAT(written_to_err([&] { print_warning(terminal, evil); }), Not(HasSubstr("\033")));
  terminal.err_is_terminal = true;
  terminal.ansi = Ansi::never;
  EXPECT_EQ(written_to_err([&] { print_warning(terminal, evil); }), "WARN[0000] " + clean + "\n");
}

TEST(ForeignText, OfADiagnosticIsCleaned) {
  compose::Diagnostic diagnostic;
  diagnostic.message = diagnostic.label = diagnostic.help = diagnostic.line_text = evil;
  diagnostic.mark = Mark{.file = "a/" + evil, .line = 1, .column = 1, .length = 1};
  diagnostic.related.push_back({diagnostic.mark, evil, evil});
  const std::string text = compose::render_diagnostic(diagnostic, compose::Colour::never);
  for (const char* bad : {"\033", "\007", "\u009b", "\r", "\u202e"}) EXPECT_THAT(text, Not(HasSubstr(bad)));
}

// Standard output is also read by programs, which must get every byte.
TEST(ForeignText, OnStandardOutputIsCleanedForATerminalOnly) {
  testing::internal::CaptureStdout();
  print_out(evil + "\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), evil + "\n");

  const Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  const Fd terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(terminal.get(), STDOUT_FILENO);
    print_out(evil + "\n");
    ::_exit(0);
  }
  EXPECT_TRUE(ChildGuard(child).wait()->success());
  std::string shown(200, '\0');
  const ssize_t got = ::read(master.get(), shown.data(), shown.size());
  ASSERT_GT(got, 0);
  shown.resize(static_cast<std::size_t>(got));
  EXPECT_EQ(shown, clean + "\r\n");
}

// A container's log is passed on unchanged, including colors.
TEST(ForeignText, OfABuildIsCleanedForATerminal) {
  std::string out;
  const ProgressOptions options{
      .mode = ProgressMode::plain, .err = [](std::string_view) {}, .out = [&](std::string_view text) { out += text; }};
  const auto shown = [&](bool is_terminal, auto tell) {
    Terminal terminal;
    terminal.out_is_terminal = is_terminal;
    out.clear();
    tell(*make_progress(terminal, options));
    return out;
  };
  const auto output = [](project::Progress& progress) { progress.output("a\033[31mb\n\033]0;owned\007c\n"); };
  const auto log = [](project::Progress& progress) { progress.log("\033[31mred\n"); };
  EXPECT_EQ(shown(true, output), "ab\nc\n");
  EXPECT_EQ(shown(false, output), "a\033[31mb\n\033]0;owned\007c\n");
  EXPECT_EQ(shown(true, log), "\033[31mred\n");
}

}  // namespace
}  // namespace consort::cli
