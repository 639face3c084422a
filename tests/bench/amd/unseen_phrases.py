"""
What espeak-ng says in the split "unseen": languages and voice variants that are in no other split, in our own words.

It was written down before the model of docs/adr/0034 was trained, and is looked at once, when that model is chosen.
"""

from typing import Final

from tests.bench.amd.language import Language

UNSEEN: Final = (
    Language(
        "hu", "unseen",
        ("Halló?", "Igen?", "Tessék!", "Halló, ki az?"),
        ("Kovács autószerviz, jó napot kívánok, Eszter vagyok, miben segíthetek?", "Recepció, jó reggelt."),
        ("Hagyjon üzenetet a sípszó után.",
         "A hívott szám jelenleg nem elérhető. Kérjük, hagyjon üzenetet a hangjelzés után.",
         "Szia, itt Gábor. Most nem tudom felvenni a telefont. Hagyj üzenetet, és visszahívlak, amint tudlak."),
        ("Katalin hangpostája, kérem, hagyjon üzenetet a sípszó után.",),
        ("A hangposta megtelt. Több üzenetet nem lehet hagyni.",
         "A hívott szám nem létezik. Kérjük, ellenőrizze a számot.",
         "Üdvözöljük az Északi Banknál. Egyenlegéhez nyomja meg az egyest. Ügyintézőhöz nyomja meg a nullát.",
         "Jó napot. A hívott fél ellenőrzi a hívásait. Mondja meg a nevét és a hívás okát."),
    ),
    Language(
        "fi", "unseen",
        ("Haloo?", "Niin?", "Virtanen.", "Haloo, kuka siellä?"),
        ("Korhosen autokorjaamo, hyvää huomenta, Liisa puhelimessa, kuinka voin auttaa?", "Vastaanotto, päivää."),
        ("Jätä viesti äänimerkin jälkeen.",
         "Valitsemaasi numeroon ei juuri nyt saada yhteyttä. Voit jättää viestin äänimerkin jälkeen.",
         "Hei, täällä Antti. En pääse nyt puhelimeen. Jätä viesti, niin soitan takaisin heti kun voin."),
        ("tämä on Päivin vastaaja, jätä viesti piippauksen jälkeen.",),
        ("Vastaaja on täynnä. Uusia viestejä ei voi jättää.",
         "Valitsemasi numero ei ole käytössä. Tarkista numero ja soita uudelleen.",
         "Tervetuloa Pohjoispankkiin. Saldon kuulet painamalla ykköstä. Asiakaspalvelijan saat painamalla nollaa.",
         "Päivää. Henkilö, jolle soitat, tarkistaa puhelunsa. Sano nimesi ja mistä on kyse."),
    ),
    Language(
        "da", "unseen",
        ("Hallo?", "Ja?", "Det er Jensen.", "Hallo, hvem er det?"),
        ("Sørensens autoværksted, godmorgen, du taler med Mette, hvad kan jeg hjælpe med?", "Receptionen, goddag."),
        ("Læg en besked efter tonen.",
         "Den person, du ringer til, kan ikke træffes lige nu. Læg en besked efter tonen.",
         "Hej, det er Lars. Jeg kan ikke tage telefonen lige nu. Læg en besked, så ringer jeg tilbage, så snart jeg kan."),
        ("du har ringet til Kirsten, læg en besked efter bippet.",),
        ("Telefonsvareren er fuld. Der kan ikke lægges flere beskeder.",
         "Nummeret er ikke i brug. Kontroller nummeret og ring igen.",
         "Velkommen til Nordbanken. Tryk et for saldo. Tryk nul for at tale med en medarbejder.",
         "Goddag. Den du ringer til, tjekker sine opkald. Sig dit navn, og hvorfor du ringer."),
    ),
    Language(
        "bg", "unseen",
        ("Ало?", "Да?", "Моля?", "Ало, кой е?"),
        ("Автосервиз Иванов, добър ден, казвам се Елена, с какво мога да помогна?", "Рецепция, добро утро."),
        ("Оставете съобщение след сигнала.",
         "Абонатът не може да бъде открит в момента. Моля, оставете съобщение след звуковия сигнал.",
         "Здравейте, аз съм Георги. Сега не мога да вдигна телефона. Оставете съобщение и ще ви се обадя, щом мога."),
        ("свързахте се с Мария, оставете съобщение след сигнала.",),
        ("Гласовата поща е пълна. Не може да се оставят повече съобщения.",
         "Избраният номер не съществува. Проверете номера и опитайте пак.",
         "Добре дошли в Северна банка. За наличност натиснете едно. За връзка с оператор натиснете нула.",
         "Добър ден. Човекът, на когото звъните, проверява обажданията си. Кажете името си и защо се обаждате."),
    ),
    Language(
        "id", "unseen",
        ("Halo?", "Ya?", "Halo, siapa ini?", "Ya, selamat siang."),
        ("Bengkel Sumber Jaya, selamat pagi, dengan Dewi, ada yang bisa saya bantu?", "Resepsionis, selamat sore."),
        ("Tinggalkan pesan setelah nada.",
         "Nomor yang Anda tuju sedang tidak aktif. Silakan tinggalkan pesan setelah nada berikut.",
         "Hai, ini Budi. Saya belum bisa menjawab telepon sekarang. Tinggalkan pesan, nanti saya telepon kembali."),
        ("Anda menghubungi Sari, silakan tinggalkan pesan setelah bunyi bip.",),
        ("Kotak suara sudah penuh. Pesan baru tidak dapat direkam.",
         "Nomor yang Anda tekan tidak terdaftar. Periksa kembali nomor tersebut.",
         "Selamat datang di Bank Utara. Untuk saldo, tekan satu. Untuk berbicara dengan petugas, tekan nol.",
         "Halo. Orang yang Anda hubungi memeriksa panggilannya. Sebutkan nama dan keperluan Anda."),
    ),
    Language(
        "vi", "unseen",
        ("A lô?", "Vâng?", "Tôi nghe đây.", "A lô, ai đấy?"),
        ("Xưởng ô tô Minh Long xin chào, tôi là Lan, tôi có thể giúp gì cho anh chị?", "Lễ tân xin nghe."),
        ("Vui lòng để lại lời nhắn sau tiếng bíp.",
         "Thuê bao quý khách vừa gọi hiện không liên lạc được. Vui lòng để lại lời nhắn sau tín hiệu.",
         "Xin chào, tôi là Nam. Bây giờ tôi không nghe máy được. Hãy để lại lời nhắn, tôi sẽ gọi lại ngay khi có thể."),
        ("bạn đã gọi cho Hoa, hãy để lại lời nhắn sau tiếng bíp.",),
        ("Hộp thư thoại đã đầy. Không thể ghi thêm lời nhắn.",
         "Số máy quý khách vừa gọi không có thật. Xin kiểm tra lại số.",
         "Chào mừng đến với Ngân hàng Phương Bắc. Để biết số dư, bấm phím một. Để gặp nhân viên, bấm phím không.",
         "Xin chào. Người bạn gọi đang kiểm tra cuộc gọi. Hãy nói tên và lý do bạn gọi."),
    ),
)  # fmt: skip
