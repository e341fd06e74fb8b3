/** Where anybody gets an address: who has one of them belongs to nobody by it. Those that people most often have. */
const PROVIDERS = new Set(
  `gmail.com googlemail.com outlook.com outlook.de outlook.fr hotmail.com hotmail.de hotmail.fr hotmail.it hotmail.co.uk
  live.com live.de live.fr live.co.uk live.nl msn.com passport.com yahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.uk
  yahoo.co.jp yahoo.co.in yahoo.com.br ymail.com rocketmail.com icloud.com me.com mac.com aol.com aol.de aim.com gmx.com gmx.de
  gmx.net gmx.at gmx.ch web.de freenet.de t-online.de arcor.de mail.de posteo.de mailbox.org proton.me protonmail.com
  protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com fastmail.com fastmail.fm hey.com hushmail.com zoho.com
  zohomail.com zohomail.eu mail.com email.com usa.com mail.ru bk.ru inbox.ru list.ru internet.ru yandex.ru yandex.com ya.ru
  rambler.ru ukr.net qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com naver.com daum.net
  hanmail.net kakao.com rediffmail.com orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr libero.it virgilio.it
  alice.it tin.it tiscali.it seznam.cz centrum.cz email.cz wp.pl o2.pl onet.pl interia.pl ziggo.nl kpnmail.nl xs4all.nl
  telenet.be skynet.be bluewin.ch hispavista.com terra.com.br uol.com.br bol.com.br ig.com.br comcast.net verizon.net att.net
  sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com btinternet.com virginmedia.com sky.com talktalk.net
  shaw.ca rogers.com bigpond.com optusnet.com.au mailinator.com guerrillamail.com 10minutemail.com yopmail.com`
    .trim()
    .split(/\s+/),
);

/** Whether anybody can have an address of this domain, or of one above it. */
export const isPublicProvider = (domain: string): boolean =>
  domain.split(".").some((_, at, labels) => PROVIDERS.has(labels.slice(at).join(".")));
