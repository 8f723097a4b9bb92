"""A minimal bot to measure beside: pyTelegramBotAPI's echo bot, which answers by one call of YandexGPT.

It streams nothing, stores nothing, and loses what it was doing when it ends. It has `MODEL_SLOTS` threads:
pyTelegramBotAPI's default is two, and then all other users wait.
"""

from __future__ import annotations

import os

import requests
import telebot

telebot.apihelper.API_URL = os.environ["TELEGRAM_API_URL"] + "/bot{0}/{1}"  # type: ignore[assignment]
URL = os.environ["YANDEX_LLM_URL"] + "/foundationModels/v1/completion"
HEADERS = {"Authorization": f"Api-Key {os.environ['YANDEX_API_KEY']}", "x-folder-id": os.environ["YANDEX_FOLDER_ID"]}

bot = telebot.TeleBot(os.environ["TELEGRAM_TOKEN"], num_threads=int(os.environ["MODEL_SLOTS"]))


@bot.message_handler(func=lambda message: True)  # type: ignore[untyped-decorator]
def answer(message: telebot.types.Message) -> None:
    """Send what the model says to the user's words."""
    request = {
        "modelUri": f"gpt://{os.environ['YANDEX_FOLDER_ID']}/yandexgpt-lite",
        "completionOptions": {"stream": False, "temperature": 0.6, "maxTokens": "800"},
        "messages": [
            {"role": "system", "text": "Ты пишешь историю вместе с пользователем."},
            {"role": "user", "text": message.text},
        ],
    }
    response = requests.post(URL, headers=HEADERS, json=request, timeout=120)
    response.raise_for_status()
    bot.send_message(message.chat.id, response.json()["result"]["alternatives"][0]["message"]["text"])


bot.infinity_polling()
