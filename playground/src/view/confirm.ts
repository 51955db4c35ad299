import { find } from './dom';

/** Resolves to true only if the user confirms. Closing the dialog in another way counts as no. */
export function confirm(title: string, text: string): Promise<boolean> {
  const dialog = find('confirm') as HTMLDialogElement;
  find('confirm-title').textContent = title;
  find('confirm-text').textContent = text;
  return new Promise((resolve) => {
    dialog.returnValue = '';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    find('confirm-yes').onclick = () => dialog.close('yes');
    find('confirm-no').onclick = () => dialog.close('no');
    dialog.showModal();
  });
}
