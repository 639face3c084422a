"""
What espeak-ng says in the split "fresh": languages and voice variants that were never in another split, in our own words.

The test voices have been looked at again and again (docs/answer_model.md); these are for a figure that nobody has seen before. Whoever looks at them says
so in the card, and takes others for the next model.
"""

from typing import Final

from tests.bench.amd.language import Language

FRESH: Final = (
    Language(
        "nl", "fresh",
        ("Hallo?", "Ja?", "Met Jansen.", "Hallo, met wie spreek ik?"),
        ("Garage De Vries, goedemorgen, u spreekt met Linda, waarmee kan ik u helpen?", "Receptie, goedemiddag."),
        ("Spreek een bericht in na de toon.",
         "De persoon die u belt is op dit moment niet bereikbaar. Spreek na de pieptoon een bericht in.",
         "Hoi, dit is Bram. Ik kan de telefoon nu niet opnemen. Laat een bericht achter, dan bel ik je zo snel mogelijk terug."),
        ("dit is de voicemail van Sanne, spreek iets in na de piep.",),
        ("De mailbox is vol. Er kunnen geen berichten meer worden ingesproken.",
         "Het gekozen nummer is niet in gebruik. Controleer het nummer en bel opnieuw.",
         "Welkom bij de Noordbank. Voor uw saldo, toets één. Voor een medewerker, toets twee.",
         "Goedendag. De persoon die u belt laat gesprekken eerst controleren. Zeg uw naam en de reden van uw gesprek."),
    ),
    Language(
        "sv", "fresh",
        ("Hallå?", "Ja?", "Andersson.", "Hej, vem är det?"),
        ("Lindbergs bilverkstad, god morgon, det är Karin, vad kan jag hjälpa till med?", "Receptionen, god middag."),
        ("Lämna ett meddelande efter tonen.",
         "Personen du söker kan inte nås just nu. Lämna ett meddelande efter signalen.",
         "Hej, det här är Erik. Jag kan inte svara just nu. Lämna ett meddelande så ringer jag upp så snart jag kan."),
        ("du har kommit till Maja, lämna ett meddelande efter pipet.",),
        ("Röstbrevlådan är full. Det går inte att lämna fler meddelanden.",
         "Numret du har ringt används inte. Kontrollera numret och ring igen.",
         "Välkommen till Nordbanken. För saldo, tryck ett. För att tala med en handläggare, tryck två.",
         "Hej. Personen du ringer kontrollerar sina samtal. Säg ditt namn och varför du ringer."),
    ),
    Language(
        "cs", "fresh",
        ("Haló?", "Prosím?", "Ano?", "Kdo volá?"),
        ("Autoservis Novák, dobrý den, tady Jana, jak vám mohu pomoci?", "Recepce, dobré ráno."),
        ("Zanechte vzkaz po zaznění tónu.",
         "Volaný účastník není momentálně dostupný. Po zaznění signálu zanechte prosím vzkaz.",
         "Ahoj, tady Petr. Teď nemůžu vzít telefon. Nech mi vzkaz a já zavolám zpátky, jakmile to půjde."),
        ("dovolali jste se Evě, nechte vzkaz po pípnutí.",),
        ("Hlasová schránka je plná. Další vzkazy nelze nahrát.",
         "Volané číslo neexistuje. Zkontrolujte číslo a volejte znovu.",
         "Vítejte v Severní bance. Pro zůstatek stiskněte jedna. Pro spojení s operátorem stiskněte nula.",
         "Dobrý den. Volaný si hovory prověřuje. Řekněte své jméno a důvod hovoru."),
    ),
    Language(
        "uk", "fresh",
        ("Алло?", "Так?", "Слухаю вас.", "Хто це?"),
        ("Автосервіс Калина, добрий день, мене звати Олена, чим можу допомогти?", "Приймальня, доброго ранку."),
        ("Залиште повідомлення після сигналу.",
         "Абонент зараз не може відповісти. Будь ласка, залиште повідомлення після звукового сигналу.",
         "Привіт, це Андрій. Зараз я не можу підійти до телефону. Залиште повідомлення, і я передзвоню, щойно зможу."),
        ("ви подзвонили Ірині, залиште повідомлення після гудка.",),
        ("Скринька абонента переповнена. Повідомлення не може бути записане.",
         "Набраний номер не існує. Перевірте номер і зателефонуйте ще раз.",
         "Вітаємо у Північному банку. Щоб дізнатися баланс, натисніть один. Для зв'язку з оператором натисніть нуль.",
         "Добрий день. Абонент перевіряє дзвінки. Назвіть своє ім'я та причину дзвінка."),
    ),
    Language(
        "ro", "fresh",
        ("Alo?", "Da?", "Alo, cine e?", "Vă ascult."),
        ("Service auto Popescu, bună ziua, sunt Ioana, cu ce vă pot ajuta?", "Recepția, bună dimineața."),
        ("Lăsați un mesaj după semnal.",
         "Persoana apelată nu este disponibilă momentan. Vă rugăm să lăsați un mesaj după semnalul sonor.",
         "Salut, sunt Mihai. Acum nu pot să răspund. Lasă un mesaj și te sun înapoi cât de repede pot."),
        ("ați sunat la Elena, lăsați un mesaj după bip.",),
        ("Căsuța vocală este plină. Nu se mai pot înregistra mesaje.",
         "Numărul format nu este alocat. Verificați numărul și sunați din nou.",
         "Bine ați venit la Banca de Nord. Pentru sold, apăsați unu. Pentru un operator, apăsați zero.",
         "Bună ziua. Persoana apelată își verifică apelurile. Spuneți numele și motivul apelului."),
    ),
    Language(
        "el", "fresh",
        ("Εμπρός;", "Ναι;", "Λέγετε.", "Ποιος είναι;"),
        ("Συνεργείο Παπαδόπουλος, καλημέρα σας, είμαι η Μαρία, πώς μπορώ να βοηθήσω;", "Γραμματεία, καλησπέρα."),
        ("Αφήστε μήνυμα μετά τον ήχο.",
         "Ο συνδρομητής που καλέσατε δεν είναι διαθέσιμος. Παρακαλώ αφήστε μήνυμα μετά τον χαρακτηριστικό ήχο.",
         "Γεια σας, είμαι ο Γιώργος. Δεν μπορώ να απαντήσω τώρα. Αφήστε μήνυμα και θα σας καλέσω μόλις μπορέσω."),
        ("καλέσατε την Ελένη, αφήστε μήνυμα μετά τον ήχο.",),
        ("Ο τηλεφωνητής είναι γεμάτος. Δεν μπορείτε να αφήσετε μήνυμα.",
         "Ο αριθμός που καλέσατε δεν αντιστοιχεί σε συνδρομητή. Ελέγξτε τον αριθμό και καλέστε ξανά.",
         "Καλώς ήρθατε στην Τράπεζα του Βορρά. Για το υπόλοιπο, πατήστε ένα. Για εκπρόσωπο, πατήστε μηδέν.",
         "Γεια σας. Ο συνδρομητής ελέγχει τις κλήσεις του. Πείτε το όνομά σας και τον λόγο της κλήσης."),
    ),
)  # fmt: skip
