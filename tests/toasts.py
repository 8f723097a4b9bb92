"""What the bot says to presses that don't count."""

from __future__ import annotations

from typing import Final

PAST: Final = "Это уже прошлое: действуют кнопки ниже"
OVER: Final = "Это уже прошлое"
ASKED: Final = "Уже ответил: смотрите ниже"
FOREIGN: Final = "Эта кнопка для того, кто просил. Напишите своё, и я отвечу вам"
FOREIGN_CARD: Final = "Эта карточка для того, кто её попросил. Вашу сделает /story"
FOREIGN_ROLES: Final = "Здесь выбирает тот, кто просил список. Ваш список: /modes"
FOREIGN_STOP: Final = "Этот ответ ждёт другой человек, остановить его может только он. Спросите своё: отвечу следом."
BANNED: Final = "Доступ закрыт администратором: кнопки для вас не работают"
STRANGER: Final = "Мы ещё не знакомы. Ответьте здесь на моё сообщение, и кнопки заработают и для вас"
