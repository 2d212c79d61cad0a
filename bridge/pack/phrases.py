"""What the announcements say, in each language. Read by `prompts`.

A new language is one more entry of `PHRASES` with every key of `Phrases`; espeak-ng must have its voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language. `place` and `number` stand for what is spoken in their stead."""

    one_more: str
    """To a dispatcher for whom other SOS stand in line."""
    more: str
    many_more: str
    location: str
    location_unknown: str
    call_back_number: str
    video_unconfirmed: str
    video_none: str
    exercise: str
    press_1: str
    another_person: str
    """To a dispatcher who is rung although somebody has it."""
    taken: str
    over: str
    redialled: str
    never: str
    no_answer: str
    missed: str
    """Of an SOS that is over; the digits of its time follow, then the place."""
    place: str
    place_unknown: str
    press_heard: str
    console_has_it: str
    """To a dispatcher who pressed 1 while a console talks to the phone."""
    sent: str
    """To the caller, while nobody has answered."""
    person_has_it: str
    """To the caller, once a person has acknowledged."""


PHRASES: Final = MappingProxyType(
    {
        "en": Phrases(
            one_more="One more S O S is waiting.",
            more="{number} more S O S are waiting.",
            many_more="Many more S O S are waiting.",
            location="S O S. Emergency call from: {place}.",
            location_unknown="S O S. Emergency call. The place is not known.",
            call_back_number="Call back number: {number}.",
            video_unconfirmed="Video is not confirmed.",
            video_none="No video is available.",
            exercise="This is an exercise.",
            press_1="Press 1 to take this alarm.",
            another_person="Somebody has this alarm. One more person is wanted.",
            taken="Thank you. Somebody else has this alarm.",
            over="Thank you. This alarm is over.",
            redialled="The phone is calling again.",
            never="This phone must not be called back.",
            no_answer="The phone does not answer.",
            missed="Missed S O S. An emergency call that is over. Time of the call:",
            place="Place: {place}.",
            place_unknown="The place is not known.",
            press_heard="Press 1 to say that you have heard this.",
            console_has_it="Thank you, you have acknowledged. The console is talking to the phone.",
            sent="Your alarm was sent. Stay where it is safe.",
            person_has_it="A person has your alarm.",
        ),
        "de": Phrases(
            one_more="Ein weiterer Notruf wartet.",
            more="{number} weitere Notrufe warten.",
            many_more="Viele weitere Notrufe warten.",
            location="S O S. Notruf von: {place}.",
            location_unknown="S O S. Notruf. Der Ort ist nicht bekannt.",
            call_back_number="Rückrufnummer: {number}.",
            video_unconfirmed="Kein bestätigtes Bild.",
            video_none="Kein Bild verfügbar.",
            exercise="Dies ist eine Übung.",
            press_1="Drücken Sie die 1, um den Notruf zu übernehmen.",
            another_person="Jemand hat diesen Notruf. Eine weitere Person wird gebraucht.",
            taken="Danke. Jemand anderes hat den Notruf übernommen.",
            over="Danke. Der Notruf ist beendet.",
            redialled="Das Telefon ruft erneut an.",
            never="Dieses Telefon darf nicht zurückgerufen werden.",
            no_answer="Das Telefon antwortet nicht.",
            missed="Verpasster Notruf. Der Anruf ist beendet. Uhrzeit des Anrufs:",
            place="Ort: {place}.",
            place_unknown="Der Ort ist nicht bekannt.",
            press_heard="Drücken Sie die 1, um zu bestätigen, dass Sie dies gehört haben.",
            console_has_it="Danke. Sie haben den Notruf bestätigt. Die Leitstelle spricht mit dem Telefon.",
            sent="Ihr Notruf ist abgesetzt. Bleiben Sie, wo es sicher ist.",
            person_has_it="Ein Mensch hat Ihren Notruf.",
        ),
        "fr": Phrases(
            one_more="Un autre appel d'urgence attend.",
            more="{number} autres appels d'urgence attendent.",
            many_more="Beaucoup d'autres appels d'urgence attendent.",
            location="S O S. Appel d'urgence de : {place}.",
            location_unknown="S O S. Appel d'urgence. Le lieu n'est pas connu.",
            call_back_number="Numéro de rappel : {number}.",
            video_unconfirmed="Image non confirmée.",
            video_none="Aucune image disponible.",
            exercise="Ceci est un exercice.",
            press_1="Appuyez sur 1 pour prendre cet appel.",
            another_person="Quelqu'un a pris cette alarme. Une personne de plus est demandée.",
            taken="Merci. Quelqu'un d'autre a pris cet appel.",
            over="Merci. Cet appel est terminé.",
            redialled="Le téléphone rappelle.",
            never="Ce téléphone ne doit pas être rappelé.",
            no_answer="Le téléphone ne répond pas.",
            missed="Appel d'urgence manqué. L'appel est terminé. Heure de l'appel :",
            place="Lieu : {place}.",
            place_unknown="Le lieu n'est pas connu.",
            press_heard="Appuyez sur 1 pour dire que vous avez entendu ce message.",
            console_has_it="Merci. Vous avez acquitté cet appel. Le pupitre parle avec le téléphone.",
            sent="Votre alarme est envoyée. Restez en lieu sûr.",
            person_has_it="Quelqu'un a reçu votre alarme.",
        ),
        "es": Phrases(
            one_more="Espera otra llamada de emergencia.",
            more="Esperan otras {number} llamadas de emergencia.",
            many_more="Esperan muchas otras llamadas de emergencia.",
            location="S O S. Llamada de emergencia desde: {place}.",
            location_unknown="S O S. Llamada de emergencia. No se conoce el lugar.",
            call_back_number="Número para devolver la llamada: {number}.",
            video_unconfirmed="Imagen no confirmada.",
            video_none="No hay imagen disponible.",
            exercise="Esto es un ejercicio.",
            press_1="Pulse 1 para hacerse cargo de esta alarma.",
            another_person="Alguien tiene esta alarma. Se necesita una persona más.",
            taken="Gracias. Otra persona se ha hecho cargo de esta alarma.",
            over="Gracias. Esta alarma ha terminado.",
            redialled="El teléfono está llamando de nuevo.",
            never="No se debe devolver la llamada a este teléfono.",
            no_answer="El teléfono no contesta.",
            missed="Llamada de emergencia perdida. La llamada ha terminado. Hora de la llamada:",
            place="Lugar: {place}.",
            place_unknown="No se conoce el lugar.",
            press_heard="Pulse 1 para decir que ha oído este mensaje.",
            console_has_it="Gracias. Ha confirmado esta llamada. La consola habla con el teléfono.",
            sent="Su alarma se ha enviado. Quédese donde esté a salvo.",
            person_has_it="Una persona tiene su alarma.",
        ),
    }
)


def phrases_in(language: str) -> Phrases:
    """Return the phrases of `de-AT` or, failing that, `de`. Raises ConfigError where there are none."""
    found = PHRASES.get(language) or PHRASES.get(language.partition("-")[0])
    if found is None:
        raise ConfigError(
            f"there are no announcements in language `{language}`: use one of {', '.join(PHRASES)},"
            " or record the files yourself (docs/asterisk/prompts.md)"
        )
    return found
