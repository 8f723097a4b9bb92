"""What the local models answer: stories put together by rules from ready pieces. No neural network is at work.

A story has a plan, made of its hero and genre alone and so the same in every request: a thing to bring somewhere in
time, a companion, a rival, a keepsake that is the price. Each part is one event of `scenes.toml`, told in the story's
words (`compose`); the reader's words and wishes turn into reactions and events (`reader`); Russian words are declined
(`russian`). Everything that is no story is a chat, which `talker` answers; `answers` tells them apart.
"""
