"""Every kind of turn, by name. A new kind is a class in this package and a line here."""

from __future__ import annotations

from dataclasses import dataclass

from ai.images import ImageGenerator
from ai.registry import ModelRegistry
from ai.speech import SpeechToText, TextToSpeech
from config import Config
from conversation.localization import Locales
from database import Database
from turns.attached_files import AttachedFiles
from turns.billing import TurnBilling
from turns.card_offers import CardOffers
from turns.generation import TextGenerator
from turns.kinds.bringing import BroughtStory
from turns.kinds.character import CharacterTurn
from turns.kinds.chat import ChatTurn
from turns.kinds.cover import StoryCover
from turns.kinds.ending import StoryEnding, StoryEpilogue
from turns.kinds.guest import GuestTurn
from turns.kinds.image import ImageOfWords
from turns.kinds.letter import FirstLetterTurn
from turns.kinds.outline import StoryOutline
from turns.kinds.part import StoryPart
from turns.kinds.picture import StoryPicture
from turns.kinds.reading import StoryReading
from turns.kinds.rebuilt_memory import RebuiltMemory
from turns.kinds.speaking import SpokenAnswer
from turns.kinds.suggestions import StorySuggestions
from turns.kinds.title import StoryTitle
from turns.kinds.transcription import Transcription
from turns.limit_messages import LimitMessages
from turns.session_warnings import SessionWarnings
from turns.sight import Sight
from turns.telegram_files import TelegramFiles
from turns.turn_kind import KindServices, TurnKinds


@dataclass(frozen=True, slots=True)
class MediaServices:
    """What makes pictures, speech and words, and fetches the files of messages."""

    images: ImageGenerator
    speech: TextToSpeech
    recognition: SpeechToText
    files: TelegramFiles


def build_kinds(
    *,
    config: Config,
    db: Database,
    locales: Locales,
    registry: ModelRegistry,
    billing: TurnBilling,
    generator: TextGenerator,
    sight: Sight,
    media: MediaServices,
) -> TurnKinds:
    """Return the kinds of turn by the name that the database has for them."""
    warnings = SessionWarnings(config=config, db=db, locales=locales, registry=registry)
    limit_messages = LimitMessages(config=config, db=db, locales=locales, registry=registry)
    services = KindServices(config=config, db=db, locales=locales, limit_messages=limit_messages)
    attached = AttachedFiles(config=config, sight=sight, estimate=billing.estimate_text, files=media.files)
    kinds = (
        StoryPart(services, generator=generator, warnings=warnings, card_offers=CardOffers(db, locales)),
        StoryEnding(services, generator=generator, warnings=warnings),
        StoryEpilogue(services, generator=generator, warnings=warnings),
        StoryOutline(services, generator=generator),
        BroughtStory(services, billing=billing, generator=generator, registry=registry, files=media.files),
        StoryTitle(services, generator=generator),
        StorySuggestions(services, generator=generator),
        RebuiltMemory(services, generator=generator),
        StoryPicture(services, billing=billing, images=media.images),
        StoryCover(services, billing=billing, images=media.images),
        StoryReading(services, billing=billing, speech=media.speech),
        ChatTurn(services, generator=generator, warnings=warnings, registry=registry, attached=attached),
        CharacterTurn(services, generator=generator, warnings=warnings, registry=registry, attached=attached),
        FirstLetterTurn(services, generator=generator, warnings=warnings, registry=registry, attached=attached),
        GuestTurn(services, generator=generator, warnings=warnings, registry=registry, attached=attached),
        SpokenAnswer(services, billing=billing, speech=media.speech),
        ImageOfWords(services, billing=billing, images=media.images),
        Transcription(services, billing=billing, files=media.files, recognition=media.recognition),
    )
    return {kind.name: kind for kind in kinds}
