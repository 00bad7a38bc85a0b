// What a user sees: the renderers' output on an emulated terminal, at times that the test controls.
#include "cli/render/progress_screen.hpp"

#include <gmock/gmock.h>

#include <set>

#include "base/cells.hpp"
#include "cli/render/build_text.hpp"
#include "cli/render/last_lines.hpp"

namespace consort::cli {
namespace {

using namespace std::chrono_literals;
using build::StepState;
using project::BuildStep;
using project::Outlook;
using project::ProgressEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Emulates a terminal: understands the renderers' escape sequences, reflows when it becomes narrower, and keeps lines
// that scroll away.
class FakeTerminal {
 public:
  explicit FakeTerminal(Size size) : size_(size) {}

  void write(std::string_view text) {
    while (!text.empty()) {
      if (text.starts_with("\033[")) {
        const std::size_t end = text.find_first_of("ABCDHJKhlm");
        control(text.substr(2, end - 2), text[end]);
        text.remove_prefix(end + 1);
        continue;
      }
      const std::size_t size = letter_size(text);
      put(text.substr(0, size));
      text.remove_prefix(size);
    }
  }

  void resize(Size size) {
    // As in tmux, whether a row continues in the next one is remembered until the row is cleared.
    std::vector<std::string> reflowed;
    std::set<std::size_t> goes_on;
    std::string joined;
    for (std::size_t at = 0; at < rows_.size(); ++at) {
      joined += goes_on_.contains(at) ? rows_[at] : trimmed(rows_[at]);
      if (goes_on_.contains(at)) continue;
      for (const std::string_view piece : wrapped(joined, size.columns)) {
        reflowed.emplace_back(piece);
        goes_on.insert(reflowed.size() - 1);
      }
      goes_on.erase(reflowed.size() - 1);
      joined.clear();
    }
    rows_ = std::move(reflowed);
    goes_on_ = std::move(goes_on);
    row_ = rows_.size() - 1;
    size_ = size;
  }

  Size size() const { return size_; }
  bool cursor_shown = true, wraps = true;

  // The whole text, including lines that have scrolled away.
  std::string text() const {
    std::string all;
    for (const std::string& row : rows_) all += trimmed(row) + "\n";
    while (all.ends_with("\n\n")) all.pop_back();
    return all;
  }
  std::size_t scrolled() const { return rows_.size() - std::min(rows_.size(), size_.rows); }

 private:
  static std::size_t letter_size(std::string_view text) {
    std::size_t size = 1;
    while (size < text.size() && (text[size] & 0xc0) == 0x80) ++size;
    return size;
  }
  static std::string trimmed(std::string row) {
    while (row.ends_with(' ')) row.pop_back();
    return row;
  }
  void control(std::string_view arguments, char what) {
    if (what == 'A')
      row_ = std::max(row_ - std::min<std::size_t>(row_, std::stoul(std::string(arguments))), scrolled());
    if (what == 'K') rows_[row_].resize(cut_to_cells(rows_[row_], column_).size());
    if (what == 'J') {
      rows_[row_].resize(cut_to_cells(rows_[row_], column_).size());
      // The screen keeps its height, so scrolled lines do not come back.
      const std::size_t top = scrolled();
      rows_.resize(std::max(row_ + 1, std::min(rows_.size(), top + 1)));
      goes_on_.erase(goes_on_.lower_bound(row_), goes_on_.end());
    }
    if (arguments == "?25") cursor_shown = what == 'h';
    if (arguments == "?7") wraps = what == 'h';
  }
  void put(std::string_view letter) {
    if (letter == "\n" || letter == "\r") {
      column_ = 0;
      if (letter == "\n" && ++row_ == rows_.size()) rows_.emplace_back();
      return;
    }
    if (column_ >= size_.columns) {
      if (!wraps) return;
      put("\n");
    }
    std::string& row = rows_[row_];
    const std::string before(cut_to_cells(row, column_));
    const std::string after = row.substr(cut_to_cells(row, column_ + cells_of(letter)).size());
    row = before + std::string(letter) + after;
    column_ += cells_of(letter);
  }

  Size size_;
  std::vector<std::string> rows_{""};
  std::set<std::size_t> goes_on_;
  std::size_t row_ = 0, column_ = 0;
};

class Shown {
 public:
  explicit Shown(Size size, Terminal kind = {}) : terminal(size), screen(kind, options()) {}

  BuildStep step(int id, std::string title, StepState state, std::string output = {}) const {
    BuildStep told{.id = id, .title = std::move(title), .stage = "web/stage-0", .state = state};
    told.output = output;
    told.seconds = 1.5;
    return told;
  }
  // A step of a Dockerfile with four steps.
  void number(int id, StepState state, const std::string& output = {}, const std::string& command = "RUN make") {
    BuildStep told = step(id, "[web " + std::to_string(id) + "/4] " + command, state, output);
    told.number = id;
    told.total = 4;
    screen.step(told);
  }

  Moment now{};
  FakeTerminal terminal;
  ProgressScreen screen;
  std::string sent;

 private:
  ProgressOptions options() {
    const auto write = [this](std::string_view text) {
      sent += text;
      terminal.write(text);
    };
    return {.err = write, .out = write, .size = [this] { return terminal.size(); }, .now = [this] { return now; }};
  }
};

TEST(ProgressScreen, ShowsABuildAsPeopleKnowIt) {
  Shown shown({60, 24});
  shown.screen.begin("Building");
  BuildStep load = shown.step(9, "[web internal] load build definition from Dockerfile", StepState::started);
  shown.screen.step(load);
  load.state = StepState::done;
  shown.screen.step(load);
  shown.number(1, StepState::cached, "", "FROM debian");
  shown.number(2, StepState::started);
  shown.now += 3100ms;
  shown.number(2, StepState::output, "one\ntwo\n");
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Building 3.1s (2/5)\n"
            " => [web internal] load build definition from Dockerf  1.5s\n"
            " => CACHED [web 1/4] FROM debian                       1.5s\n"
            " => [web 2/4] RUN make                                 3.1s\n"
            " => => # one\n"
            " => => # two\n");
  shown.number(2, StepState::done);
  shown.number(3, StepState::started, "", "COPY . .");
  shown.number(3, StepState::done, "", "COPY . .");
  shown.number(4, StepState::started, "", "RUN test");
  shown.number(4, StepState::done, "", "RUN test");
  shown.screen.event({.id = "web", .status = "Built", .outlook = Outlook::done});
  shown.screen.finish();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Building 3.1s (5/5) FINISHED\n"
            " => [web internal] load build definition from Dockerf  1.5s\n"
            " => CACHED [web 1/4] FROM debian                       1.5s\n"
            " => [web 2/4] RUN make                                 1.5s\n"
            " => [web 3/4] COPY . .                                 1.5s\n"
            " => [web 4/4] RUN test                                 1.5s\n"
            "[+] Building 1/1\n"
            " ✔ web  Built                                          0.0s\n");
  EXPECT_TRUE(shown.terminal.cursor_shown);
  EXPECT_TRUE(shown.terminal.wraps);
}

TEST(ProgressScreen, ShowsWhatFitsAndAtTheEndEverything) {
  Shown shown({60, 8});
  shown.screen.begin("Building");
  for (int id = 1; id <= 20; ++id) {
    shown.number(id, StepState::started);
    if (id < 19) shown.number(id, StepState::done);
    shown.screen.draw();
  }
  for (int line = 0; line < 30; ++line) shown.number(19, StepState::output, "nineteen\n");
  for (int line = 0; line < 30; ++line) shown.number(20, StepState::output, "twenty\n");
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.scrolled(), 0u) << shown.terminal.text();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Building 0.0s (18/20)\n"
            " => [web 19/4] RUN make                                0.0s\n"
            " => => # nineteen\n => => # nineteen\n"
            " => [web 20/4] RUN make                                0.0s\n"
            " => => # twenty\n => => # twenty\n");
  shown.screen.finish();
  EXPECT_THAT(shown.terminal.text(), HasSubstr("[web 1/4] RUN make"));
  EXPECT_THAT(shown.terminal.text(), Not(HasSubstr("twenty")));
}

TEST(ProgressScreen, CountsRowsThatDoNotFitAndCutsNamesInTheMiddle) {
  Shown shown({50, 6});
  shown.screen.begin("Running");
  for (int id = 1; id <= 9; ++id)
    shown.screen.event({.id = "Container app-service-with-a-long-name-" + std::to_string(id), .status = "Starting"});
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.scrolled(), 0U) << shown.terminal.text();
  EXPECT_THAT(shown.terminal.text(),
              testing::AllOf(HasSubstr("Container app…-long-name-9"), HasSubstr("\n +6 more\n")));
  shown.screen.finish();
  EXPECT_THAT(shown.terminal.text(), testing::AllOf(HasSubstr("-name-1 "), Not(HasSubstr(" more"))));
}

TEST(ProgressScreen, ShowsMoreRunningStepsThanFitWithoutScrolling) {
  Shown shown({60, 6});
  shown.screen.begin("Building");
  for (int id = 1; id <= 10; ++id) {
    shown.number(id, StepState::started);
    shown.number(id, StepState::output, "x\n");
    shown.screen.event({.id = "web" + std::to_string(id), .status = "Waiting"});
    shown.screen.draw();
  }
  EXPECT_EQ(shown.terminal.scrolled(), 0u) << shown.terminal.text();
}

TEST(ProgressScreen, PutsWhyABuildFailedBelowItsSteps) {
  Shown shown({60, 24});
  shown.screen.begin("Building");
  shown.number(1, StepState::started);
  shown.number(1, StepState::error);
  shown.number(2, StepState::canceled);
  shown.screen.output("------\n > [web 1/4] RUN make:\n0.1 \033[31mno\033[2J rule\n------\n");
  shown.screen.draw();
  EXPECT_THAT(shown.terminal.text(), Not(HasSubstr("rule")));
  shown.screen.finish();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Building 0.0s (2/4)\n"
            " => ERROR [web 1/4] RUN make                           1.5s\n"
            " => CANCELED [web 2/4] RUN make                        1.5s\n"
            "------\n > [web 1/4] RUN make:\n0.1 no rule\n------\n");
}

TEST(ProgressScreen, LetsBuildsScrollAwayWhenTheyAreOverAndTheirRoomIsNeeded) {
  Shown shown({60, 8});
  shown.screen.begin("Running");
  for (int id = 1; id <= 4; ++id) shown.number(id, StepState::done);
  shown.screen.draw();
  for (int i = 1; i <= 5; ++i) shown.screen.event({.id = "Container " + std::to_string(i), .status = "Starting"});
  shown.now += 2s;
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.scrolled(), 4u);
  shown.screen.finish();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Building 0.0s (4/4) FINISHED\n"
            " => [web 1/4] RUN make                                 1.5s\n"
            " => [web 2/4] RUN make                                 1.5s\n"
            " => [web 3/4] RUN make                                 1.5s\n"
            " => [web 4/4] RUN make                                 1.5s\n"
            "[+] Running 0/5\n"
            " ⠋ Container 1  Starting                               2.0s\n"
            " ⠋ Container 2  Starting                               2.0s\n"
            " ⠋ Container 3  Starting                               2.0s\n"
            " ⠋ Container 4  Starting                               2.0s\n"
            " ⠋ Container 5  Starting                               2.0s\n");
}

TEST(ProgressScreen, ShowsLayersWithBytesBarsAndSpeed) {
  Shown shown({70, 24});
  shown.screen.begin("Pulling");
  shown.screen.event({.id = "db", .text = "Pulling"});
  const auto layer = [&](const char* id, const char* text, std::uint64_t current, std::uint64_t total,
                         Outlook outlook = Outlook::working) {
    ProgressEvent event{.id = id, .parent = "db", .text = text, .outlook = outlook, .current = current, .total = total};
    if (total) event.status = std::to_string(current / 1'000'000) + "MB/" + std::to_string(total / 1'000'000) + "MB";
    shown.screen.event(event);
  };
  layer("aaa", "Already exists", 0, 0, Outlook::done);
  layer("bbb", "Downloading", 1'000'000, 8'000'000);
  layer("ccc", "Waiting", 0, 2'000'000);
  shown.now += 1s;
  layer("bbb", "Downloading", 4'000'000, 8'000'000);
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.text(),
            "[+] Pulling 1/4\n"
            " ⠋ db [⣿⣤⠀] 4MB / 10MB 3MB/s Pulling                             1.0s\n"
            "   ✔ aaa Already exists                                          0.0s\n"
            "   ⠋ bbb Downloading 4MB/8MB 3MB/s                               1.0s\n"
            "   ⠋ ccc Waiting                                                 1.0s\n");
}

TEST(ProgressScreen, LayersMakeWayForImages) {
  Shown shown({70, 6});
  shown.screen.begin("Pulling");
  for (const char* name : {"db", "web"}) {
    shown.screen.event({.id = name, .text = "Pulling"});
    for (const char* layer : {"1", "2", "3"})
      shown.screen.event({.id = layer, .parent = name, .text = "Pull complete", .outlook = Outlook::done});
    shown.screen.event({.id = "4", .parent = name, .text = "Waiting"});
  }
  shown.screen.draw();
  EXPECT_EQ(shown.terminal.scrolled(), 0u);
  EXPECT_THAT(shown.terminal.text(), testing::AllOf(HasSubstr("db"), HasSubstr("web"), HasSubstr("4 Waiting")));
}

TEST(ProgressScreen, StaysInPlaceWhenTheTerminalChangesItsWidth) {
  Shown shown({60, 24});
  shown.terminal.write("$ before\n");
  shown.screen.begin("Running");
  shown.screen.event({.id = "Container a-rather-long-name-1", .status = "Starting"});
  shown.screen.draw();
  shown.screen.event({.id = "Container another-rather-long-name-1", .status = "Starting"});
  shown.screen.draw();
  for (const std::size_t columns : {35, 80, 30, 60}) {
    shown.terminal.resize({columns, 24});
    shown.screen.draw();
  }
  EXPECT_EQ(shown.terminal.text(),
            "$ before\n[+] Running 0/2\n"
            " ⠋ Container a-rather-long-name-1        Starting      0.0s\n"
            " ⠋ Container another-rather-long-name-1  Starting      0.0s\n");
}

TEST(ProgressScreen, WarningsStayAboveAndCtrlCLeavesNothing) {
  Shown shown({60, 24});
  shown.screen.begin("Running");
  shown.screen.event({.id = "Container x", .status = "Starting"});
  shown.screen.draw();
  shown.screen.output("a line of a container\n");
  shown.screen.draw();
  shown.terminal.write("^C");  // as the terminal echoes it
  shown.screen.finish();
  EXPECT_EQ(shown.terminal.text(),
            "a line of a container\n[+] Running 0/1\n ⠋ Container x  Starting                               0.0s\n");
  EXPECT_TRUE(shown.terminal.cursor_shown);
}

TEST(ProgressScreen, NoColorMeansOnlyThat) {
  Shown plain({60, 24}, {.no_color = true}), coloured({60, 24});
  for (Shown* each : {&plain, &coloured}) {
    each->screen.begin("Running");
    each->screen.event({.id = "Container x", .status = "Started", .outlook = Outlook::done});
    each->screen.finish();
  }
  EXPECT_EQ(plain.terminal.text(), coloured.terminal.text());
  EXPECT_THAT(plain.sent, Not(HasSubstr("\033[32m")));
  EXPECT_THAT(coloured.sent, HasSubstr("\033[32m✔"));
}

TEST(ProgressScreen, NothingThatIsForeignSteersTheTerminal) {
  Shown shown({60, 24});
  shown.screen.begin("\x42uilding");
  shown.number(1, StepState::started, "",
               "RUN \033]0;title\a\xc2\x9b"
               "2J");
  shown.number(1, StepState::output, "\033[2J\033[H\xe2\x80\xaeol\033]0;x\033\\leh\033P1$r\033\\!\n");
  shown.screen.event({.id = "Container \033[5m", .status = "\a\r\n"});
  shown.screen.draw();
  EXPECT_THAT(shown.terminal.text(), HasSubstr("RUN \\x1b]0;title\\x07\\xc2\\x9b2J"));
  EXPECT_THAT(shown.terminal.text(), HasSubstr("# \\xe2\\x80\\xaeolleh!\n"));
  EXPECT_THAT(shown.terminal.text(), HasSubstr("Container \\x1b[5m"));
  EXPECT_THAT(shown.sent, Not(HasSubstr("\a")));
}

TEST(LastLines, ShowALineAsItLooksAndWrapLongOnes) {
  LastLines lines(3);
  lines.add("first\nsecond\n10%\r20%");
  lines.add("\r\033[1m30%\033[0m\r\n");
  lines.add("abcdefgh");
  EXPECT_THAT(lines.rows(6, 5), ElementsAre("first", "secon", "d", "30%", "abcde", "fgh"));
  EXPECT_THAT(lines.rows(2, 5), ElementsAre("abcde", "fgh"));
  lines.add("\b\b!\nnext\n");
  EXPECT_THAT(lines.rows(6, 80), ElementsAre("30%", "abcdef!", "next"));
}

TEST(LastLines, KeepLittleOfALineWithoutEnd) {
  LastLines lines(3);
  lines.add(std::string(1'000'000, 'x'));
  EXPECT_LE(lines.rows(10'000, 10).size(), 410u);
}

TEST(Cells, WideLettersMarksAndBrokenBytes) {
  EXPECT_EQ(cells_of("añ漢e\xcc\x81✅\xff"), 8u);
  EXPECT_EQ(cut_to_cells("漢字", 3), "漢");
  EXPECT_THAT(wrapped("漢字", 1), ElementsAre("漢", "字"));
  EXPECT_THAT(wrapped("", 5), ElementsAre(""));
  EXPECT_EQ(sanitized("a\tb\xc3"), "a\tb\\xc3");
  EXPECT_EQ(sanitized_line("a\tb\n"), "a b\\x0a");
}

TEST(BuildText, ShowsOneStepAfterTheOtherAndNumbersThroughAllBuilds) {
  BuildText text;
  const Moment now{};
  std::string shown;
  const auto tell = [&](int id, const char* title, StepState state, std::vector<std::string> lines, Moment when) {
    BuildStep told{.id = id, .title = title, .state = state};
    told.lines = std::move(lines);
    shown += text.step(told, when);
  };
  tell(1, "[web 2/2] RUN make", StepState::started, {}, now);
  tell(1, "[web 2/2] RUN make", StepState::output, {"0.1 one"}, now);
  tell(2, "[db 2/2] RUN x", StepState::started, {}, now);
  tell(2, "[db 2/2] RUN x", StepState::output, {"0.2 there"}, now);
  tell(1, "[web 2/2] RUN make", StepState::output, {"0.3 two"}, now);
  tell(1, "[web 2/2] RUN make", StepState::done, {}, now);
  tell(2, "[db 2/2] RUN x", StepState::error, {}, now);
  EXPECT_EQ(shown,
            "#1 [web 2/2] RUN make\n#1 0.1 one\n#1 0.3 two\n#1 DONE 0.0s\n\n"
            "#2 [db 2/2] RUN x\n#2 0.2 there\n#2 ERROR: \n");
}

TEST(BuildText, AStepThatIsSilentGivesWay) {
  BuildText text;
  const Moment now{};
  EXPECT_EQ(text.step({.id = 1, .title = "a", .state = StepState::started}, now), "#1 a\n");
  EXPECT_EQ(text.step({.id = 2, .title = "b", .state = StepState::started}, now), "");
  EXPECT_EQ(text.step({.id = 2, .title = "b", .state = StepState::output}, now + 5s), "");
  EXPECT_EQ(text.step({.id = 2, .title = "b", .state = StepState::cached}, now + 6s), "#1 ...\n\n#2 b\n#2 CACHED\n");
}

TEST(BuildText, TheTitleOfAStepThatHasEndedIsNotRepeated) {
  BuildText text;
  const Moment now{};
  (void)text.step({.id = 1, .title = "a", .state = StepState::started}, now);
  EXPECT_EQ(text.step({.id = 2, .title = "b", .state = StepState::started}, now), "");
  EXPECT_EQ(text.step({.id = 3, .title = "c", .state = StepState::cached}, now), "");
  EXPECT_EQ(text.step({.id = 2, .title = "b", .state = StepState::done}, now + 6s),
            "#1 ...\n\n#2 b\n#2 DONE 0.0s\n\n#3 c\n#3 CACHED\n");
}

}  // namespace
}  // namespace consort::cli
