"""
What espeak-ng says in the corpus: how people answer, and what machines say to them, in our own words.

A language stands in one split only, so that the test languages are new to the model.
"""

from typing import Final, Literal

import msgspec

Split = Literal["dev", "test"]


class Language(msgspec.Struct, frozen=True):
    """Texts of one espeak-ng voice."""

    voice: str
    split: Split
    hellos: tuple[str, ...]
    business: tuple[str, ...]
    """A person who answers with a sentence: a company, a name, an offer to help."""
    greetings: tuple[str, ...]
    """Personal and carrier voicemail greetings, from short to long."""
    after_hello: tuple[str, ...]
    """What follows the recorded "hello" and its pause."""
    others: tuple[str, ...]
    """A full mailbox, an announcement, a menu, a screening assistant; in this order."""


LANGUAGES: Final = (
    Language(
        "en-us", "dev",
        ("Hello?", "Yes?", "Hi.", "Hello, who is this?", "John speaking.", "Yeah, hello."),
        ("Good morning, Riverside Dental, this is Karen, how can I help you?",
         "Acme Plumbing, Mike speaking.", "Thank you for calling Harbor Travel, this is Jane.",
         "Sales department, good afternoon."),
        ("Leave a message.", "Please leave a message after the tone.",
         "The person you are calling is not available. Please leave a message after the tone.",
         "Your call has been forwarded to an automatic voice message system. At the tone, please record your message. When you have finished recording, you may hang up.",
         "Hi, this is Peter. I can't come to the phone right now, so leave your name and number, and I'll get back to you as soon as I can."),
        ("you've reached Anna, I can't take your call right now, please leave a message.",
         "this is Tom's phone. Leave a message and I will call you back."),
        ("The mailbox is full and cannot accept any messages at this time. Goodbye.",
         "The number you have dialed is not in service. Please check the number and dial again.",
         "Welcome to Northern Bank. For account information, press one. For a loan, press two. To speak with an agent, press zero.",
         "Hi, the person you are calling is using a screening service and will get a copy of this conversation. Go ahead and say your name and why you're calling."),
    ),
    Language(
        "ru", "dev",
        ("Алло?", "Да.", "Слушаю.", "Да, слушаю вас.", "Алло, кто это?", "Алё.", "Да, алло."),
        ("Добрый день, компания Ромашка, Анна, слушаю вас.", "Отдел продаж, здравствуйте.",
         "Стоматология Улыбка, администратор Ольга, чем могу помочь?", "Иванов слушает, здравствуйте."),
        ("Оставьте сообщение после сигнала.", "Абонент не может ответить на ваш звонок. Оставьте сообщение после сигнала.",
         "Здравствуйте! Вас приветствует голосовая почта. Абонент сейчас не может ответить. Пожалуйста, оставьте своё сообщение после звукового сигнала.",
         "Аппарат абонента выключен или находится вне зоны действия сети. Вы можете оставить голосовое сообщение.",
         "Привет, это Сергей. Сейчас я не могу подойти к телефону, оставьте сообщение, и я перезвоню вам позже."),
        ("вы позвонили Марии. Я не могу сейчас говорить, оставьте сообщение.",
         "это автоответчик. Говорите после сигнала."),
        ("Почтовый ящик абонента переполнен. Сообщение не может быть записано. До свидания.",
         "Набранный вами номер не существует. Проверьте правильность набора номера.",
         "Здравствуйте, вы позвонили в клинику Здоровье. Чтобы записаться на приём, нажмите один. Для связи с оператором нажмите ноль.",
         "Здравствуйте. Я помощник абонента. Скажите, пожалуйста, кто вы и по какому вопросу звоните."),
    ),
    Language(
        "de", "dev",
        ("Hallo?", "Ja?", "Müller.", "Ja, bitte?", "Schmidt, guten Tag."),
        ("Firma Schneider, guten Tag, mein Name ist Weber, was kann ich für Sie tun?",
         "Praxis Doktor Braun, guten Morgen.", "Autohaus Lange, Fischer am Apparat."),
        ("Bitte hinterlassen Sie eine Nachricht.",
         "Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar. Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
         "Guten Tag, hier ist der Anschluss von Familie Wagner. Wir sind gerade nicht da. Bitte sprechen Sie nach dem Ton, wir rufen zurück."),
        ("hier ist die Mailbox von Klaus. Sprechen Sie bitte nach dem Ton.",),
        ("Die Mailbox ist voll. Es können keine weiteren Nachrichten aufgenommen werden.",
         "Die gewählte Rufnummer ist nicht vergeben. Bitte überprüfen Sie die Nummer.",
         "Willkommen bei der Nordbank. Für Fragen zu Ihrem Konto drücken Sie die Eins. Für alles andere drücken Sie die Zwei.",
         "Guten Tag. Der Angerufene lässt Anrufe prüfen. Bitte nennen Sie Ihren Namen und den Grund des Anrufs."),
    ),
    Language(
        "es", "dev",
        ("¿Diga?", "¿Sí?", "Hola.", "¿Bueno?", "¿Quién habla?"),
        ("Talleres García, buenos días, le atiende Marta, ¿en qué puedo ayudarle?", "Recepción, buenas tardes.",
         "Clínica del Sol, dígame."),
        ("Deje su mensaje después de la señal.",
         "El teléfono al que llama está apagado o fuera de cobertura en este momento. Si lo desea, deje un mensaje después de la señal.",
         "Hola, soy Carlos. Ahora no puedo contestar. Déjame un mensaje y te llamo en cuanto pueda."),
        ("has llamado a Lucía, no puedo atenderte, deja un mensaje.",),
        ("El buzón está lleno. No se pueden grabar más mensajes.",
         "El número marcado no existe. Compruebe el número y vuelva a llamar.",
         "Bienvenido al Banco del Norte. Para consultar su saldo, pulse uno. Para hablar con un agente, pulse dos.",
         "Hola. La persona a la que llama usa un asistente. Diga su nombre y el motivo de la llamada."),
    ),
    Language(
        "pt-br", "dev",
        ("Alô?", "Oi.", "Pois não?", "Alô, quem fala?"),
        ("Padaria Central, bom dia, Paulo falando, em que posso ajudar?", "Escritório Silva, boa tarde."),
        ("Deixe sua mensagem após o sinal.",
         "Sua chamada está sendo encaminhada para a caixa postal e estará sujeita a cobrança após o sinal.",
         "Oi, aqui é a Fernanda. No momento não posso atender. Deixe seu recado que eu retorno assim que puder."),
        ("você ligou para o João, deixe seu recado depois do bipe.",),
        ("A caixa postal está cheia e não pode receber mensagens.",
         "O número que você discou não existe. Verifique o número e ligue novamente.",
         "Bem-vindo ao Banco do Norte. Para saldo, digite um. Para falar com um atendente, digite nove.",
         "Olá. A pessoa que você ligou usa um assistente. Diga seu nome e o motivo da ligação."),
    ),
    Language(
        "sr", "dev",
        ("Halo?", "Molim?", "Da?", "Izvolite."),
        ("Dobar dan, servis Petrović, Jelena pri telefonu, izvolite.", "Recepcija, dobro jutro."),
        ("Ostavite poruku posle zvučnog signala.",
         "Korisnik trenutno nije dostupan. Molimo vas ostavite poruku posle zvučnog signala.",
         "Zdravo, ovde Marko. Trenutno ne mogu da se javim, ostavite poruku i javiću vam se kasnije."),
        ("dobili ste Anu, ostavite poruku posle signala.",),
        ("Sanduče korisnika je puno. Poruka ne može biti snimljena.",
         "Birani broj se ne koristi. Molimo proverite broj.",
         "Dobrodošli u Severnu banku. Za stanje računa pritisnite jedan. Za razgovor sa operaterom pritisnite nula.",
         "Dobar dan. Osoba koju zovete proverava pozive. Recite svoje ime i razlog poziva."),
    ),
    Language(
        "fr-fr", "test",
        ("Allô ?", "Oui ?", "Oui, allô ?", "Qui est à l'appareil ?"),
        ("Garage Martin, bonjour, Sophie à votre écoute, que puis-je faire pour vous ?", "Cabinet Dupont, bonjour."),
        ("Laissez un message après le bip.",
         "Votre correspondant n'est pas disponible. Veuillez laisser un message après le signal sonore.",
         "Bonjour, vous êtes bien sur le répondeur de Julie. Je ne suis pas là pour le moment, laissez-moi un message et je vous rappellerai."),
        ("vous êtes bien chez Paul, je suis absent, laissez-moi un message.",),
        ("La boîte vocale de votre correspondant est pleine. Merci de rappeler plus tard.",
         "Le numéro que vous avez demandé n'est pas attribué. Veuillez consulter l'annuaire.",
         "Bienvenue à la Banque du Nord. Pour votre compte, tapez un. Pour parler à un conseiller, tapez deux.",
         "Bonjour. La personne que vous appelez filtre ses appels. Dites votre nom et la raison de votre appel."),
    ),
    Language(
        "it", "test",
        ("Pronto?", "Sì?", "Pronto, chi parla?", "Dica."),
        ("Officina Rossi, buongiorno, sono Elena, come posso aiutarla?", "Studio Bianchi, buonasera."),
        ("Lasciate un messaggio dopo il segnale.",
         "Il cliente da lei chiamato non è al momento raggiungibile. Lasci un messaggio dopo il segnale acustico.",
         "Ciao, sono Marco. In questo momento non posso rispondere. Lascia un messaggio e ti richiamo appena posso."),
        ("hai chiamato Giulia, lascia un messaggio dopo il bip.",),
        ("La casella vocale è piena. Non è possibile lasciare messaggi.",
         "Il numero selezionato è inesistente. Verificare il numero e richiamare.",
         "Benvenuti alla Banca del Nord. Per il saldo, premere uno. Per parlare con un operatore, premere due.",
         "Buongiorno. La persona chiamata usa un assistente. Dica il suo nome e il motivo della chiamata."),
    ),
    Language(
        "pl", "test",
        ("Halo?", "Tak, słucham?", "Słucham.", "Kto mówi?"),
        ("Firma Nowak, dzień dobry, przy telefonie Ewa, w czym mogę pomóc?", "Recepcja, dzień dobry."),
        ("Zostaw wiadomość po sygnale.",
         "Abonent jest czasowo niedostępny. Proszę zostawić wiadomość po usłyszeniu sygnału.",
         "Cześć, tu Tomek. Nie mogę teraz odebrać telefonu. Zostaw wiadomość, a oddzwonię jak najszybciej."),
        ("tu Magda, nie mogę teraz rozmawiać, zostaw wiadomość.",),
        ("Skrzynka głosowa jest pełna. Nie można nagrać wiadomości.",
         "Wybrany numer nie istnieje. Proszę sprawdzić numer.",
         "Witamy w Banku Północnym. Aby sprawdzić saldo, wybierz jeden. Aby połączyć się z konsultantem, wybierz dwa.",
         "Dzień dobry. Osoba, do której dzwonisz, sprawdza połączenia. Podaj imię i powód telefonu."),
    ),
    Language(
        "tr", "test",
        ("Alo?", "Efendim?", "Buyurun.", "Kimsiniz?"),
        ("Yıldız Oto, iyi günler, ben Ayşe, nasıl yardımcı olabilirim?", "Danışma, günaydın."),
        ("Sinyal sesinden sonra mesaj bırakın.",
         "Aradığınız kişiye şu anda ulaşılamıyor. Lütfen sinyal sesinden sonra mesajınızı bırakınız.",
         "Merhaba, ben Mehmet. Şu anda telefona cevap veremiyorum. Mesaj bırakırsanız sizi ararım."),
        ("Zeynep'i aradınız, lütfen mesaj bırakın.",),
        ("Mesaj kutusu dolu. Yeni mesaj bırakılamaz.",
         "Aradığınız numara kullanılmamaktadır. Lütfen numarayı kontrol ediniz.",
         "Kuzey Bankasına hoş geldiniz. Hesap bilgileri için biri tuşlayın. Temsilci için sıfırı tuşlayın.",
         "Merhaba. Aradığınız kişi aramaları denetliyor. Adınızı ve arama nedeninizi söyleyin."),
    ),
)  # fmt: skip

VARIANTS: Final[dict[Split, tuple[str, ...]]] = {
    "dev": ("male1", "male2", "male3", "female1", "female2", "croak", "klatt2"),
    "test": ("male5", "male6", "male7", "female3", "female4", "female5", "klatt4"),
}
"""Of espeak-ng; they change the formants and the voice's character."""

SCREENING: Final = 3
"""Where the screening assistant stands in `Language.others`."""
