// What `rapport demo life` prints, over the copy of the core: play, ladder and telling.
#include "rapport/observe/ladder.hh"

#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/story.hh"

#include <iostream>

int main() {
  using namespace rapport;
  const app::Scenario& life = app::life_scenarios().front();
  app::Stage stage{app::DemoSettings{}};
  life.play(stage);
  const observe::Story story = stage.story();
  for (const auto& [left, right] : stage.ladders) {
    std::cout << observe::ladder(story, {.width = 100, .left = left, .right = right});
  }
  const observe::Facts facts(story);
  app::Telling telling;
  life.tell(stage, facts, telling);
  for (const auto& table : telling.tables()) {
    std::cout << table.title << '\n';
    for (const auto& row : table.rows) std::cout << row << '\n';
  }
  for (const auto& sentence : telling.sentences()) std::cout << sentence << '\n';
}
